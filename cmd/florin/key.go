package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/app"
)

type keyCommand struct {
	Create   keyCreate   `cmd:"" help:"Make a secret key, or a publishable one."`
	Restrict keyRestrict `cmd:"" help:"Make a restricted key, which may do what it is allowed and nothing else."`
	Roll     keyRoll     `cmd:"" help:"Make a key like another one, which ends: now, or after a while."`
	Expire   keyExpire   `cmd:"" help:"End a key: now, or after a while."`
	List     keyList     `cmd:"" help:"List keys: all but the keys themselves, which are not kept."`
}

// newKey are the flags of the commands that make a key.
type newKey struct {
	onDatabase
	Account string `help:"Id of the account; not needed where there is only one." placeholder:"acct_…"`
	Live    bool   `help:"For live mode. The key works once florin serve has a master key configured."`
	Name    string `help:"What the key is for, at most 100 bytes."`
}

func (c *newKey) make(ctx context.Context, log *slog.Logger, p app.KeyParams) error {
	p.Account, p.Live, p.Name = c.Account, c.Live, c.Name
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		k, err := o.CreateKey(ctx, p)
		if err != nil {
			return err
		}
		return c.shown(k)
	})
}

// shown prints a key that was just made: the only time that it is.
func (c *onDatabase) shown(k app.Key) error {
	if c.JSON {
		return writeJSON(os.Stdout, k)
	}
	_, err := fmt.Printf("%s %s key %s of %s, shown this once:\n\n  %s\n", k.Kind, mode(k.Livemode), k.ID, k.Account, k.Plain)
	return err
}

type keyCreate struct {
	newKey
	Publishable bool `help:"A publishable key, for browsers and apps."`
}

// Run makes a key and shows it, this once.
func (c *keyCreate) Run(ctx context.Context, log *slog.Logger) error {
	return c.make(ctx, log, app.KeyParams{Publishable: c.Publishable})
}

type keyRestrict struct {
	newKey
	Allow []string `required:"" help:"What the key may do, as RESOURCE=read or RESOURCE=write; may be given several times. The resources: ${resources}." placeholder:"RESOURCE=ACCESS"`
}

// Run makes a restricted key and shows it, this once.
func (c *keyRestrict) Run(ctx context.Context, log *slog.Logger) error {
	return c.make(ctx, log, app.KeyParams{Allow: c.Allow})
}

type keyRoll struct {
	onDatabase
	Key      string `arg:"" help:"Id of the key (florin key list shows it), or the key itself."`
	ExpireIn lapse  `help:"When the old key ends: now, 1h, 24h, 3d, 7d, or any other time from now." default:"now"`
}

// Run makes the new key and shows it, this once.
func (c *keyRoll) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		made, old, err := o.RollKey(ctx, c.Key, time.Duration(c.ExpireIn))
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(os.Stdout, struct {
				app.Key
				Rolled app.Key `json:"rolled"`
			}{made, old})
		}
		if err := c.shown(made); err != nil {
			return err
		}
		_, err = fmt.Printf("\n%s\n", ending(old, o.Now()))
		return err
	})
}

type keyExpire struct {
	onDatabase
	Key string `arg:"" help:"Id of the key (florin key list shows it), or the key itself."`
	In  lapse  `help:"When the key ends: now, 1h, 24h, 3d, 7d, or any other time from now." default:"now"`
}

// Run ends the key.
func (c *keyExpire) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		k, err := o.ExpireKey(ctx, c.Key, time.Duration(c.In))
		switch {
		case err != nil:
			return err
		case c.JSON:
			return writeJSON(os.Stdout, k)
		}
		_, err = fmt.Println(ending(k, o.Now()))
		return err
	})
}

// ending tells when a key ends, and from when on that is so everywhere.
func ending(k app.Key, now time.Time) string {
	name := fmt.Sprintf("%s key %s (…%s)", k.Kind, k.ID, k.Last4)
	if k.Expired(now) {
		return fmt.Sprintf("%s has expired; running servers refuse it within a second", name)
	}
	return fmt.Sprintf("%s expires at %s UTC", name, moment(*k.Expires))
}

type keyList struct {
	onDatabase
	Account string `help:"Id of an account; all accounts' keys if not given." placeholder:"acct_…"`
	All     bool   `help:"Show expired keys too."`
}

// Run lists keys.
func (c *keyList) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		list, err := o.Keys(ctx, c.Account)
		if err != nil {
			return err
		}
		if !c.All {
			list = slices.DeleteFunc(list, func(k app.Key) bool { return k.Expired(o.Now()) })
		}
		if c.JSON {
			return writeJSON(os.Stdout, map[string]any{"keys": list})
		}
		return writeTable(os.Stdout, func(row func(...any)) {
			row("KEY", "ACCOUNT", "MODE", "KIND", "ENDS IN", "CREATED", "EXPIRES", "NAME", "PERMISSIONS")
			for _, k := range list {
				expires := "never"
				if k.Expires != nil {
					expires = moment(*k.Expires)
				}
				row(k.ID, k.Account, mode(k.Livemode), k.Kind, k.Last4, moment(k.Created), expires, cmp.Or(k.Name, "-"), cmp.Or(permissions(k), "all of its kind"))
			}
		})
	})
}

func permissions(k app.Key) string {
	var list []string
	for _, r := range slices.Sorted(maps.Keys(k.Permissions)) {
		list = append(list, r+"="+k.Permissions[r])
	}
	return strings.Join(list, " ")
}

// lapse is a time from now: "now", or a number of days ("7d"), or whatever
// [time.ParseDuration] reads.
type lapse time.Duration

// maxLapse bounds a lapse. Who wants a key to last longer sets no end.
const maxLapse = 10 * 365 * 24 * time.Hour

// UnmarshalText implements [encoding.TextUnmarshaler].
func (l *lapse) UnmarshalText(text []byte) error {
	s := string(text)
	var d time.Duration
	var err error
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int64
		n, err = strconv.ParseInt(days, 10, 16) // more days would be too long anyway
		d = time.Duration(n) * 24 * time.Hour
	} else if s != "now" {
		d, err = time.ParseDuration(s)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a time from now: want now, or such as 90m, 24h, 7d", s)
	case d < 0:
		return errors.New("the time is past: want now, or such as 90m, 24h, 7d")
	case d > maxLapse:
		return errors.New("that is more than ten years")
	}
	*l = lapse(d)
	return nil
}
