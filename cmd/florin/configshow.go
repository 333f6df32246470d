package main

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// print shows the settings of the command that was chosen, and where each one
// comes from. Secrets are hidden.
func (s *settings) print(out io.Writer, ctx *kong.Context) error {
	return writeTable(out, func(row func(...any)) {
		row("SETTING", "VALUE", "FROM")
		config := flagOf(ctx.Model.Node, "config")
		row(config.Name, cmp.Or(s.file, "-"), s.source(ctx, ctx.Model.Node, config))
		for _, p := range ctx.Path {
			for _, flag := range p.Flags {
				if settable(flag) && p.Node() != nil {
					row(flag.Name, shownValue(flag), s.source(ctx, p.Node(), flag))
				}
			}
		}
	})
}

func (s *settings) source(ctx *kong.Context, command *kong.Node, flag *kong.Flag) string {
	if isGiven(ctx, flag) {
		return "flag --" + flag.Name
	}
	if name := variable(flag); name != "" {
		return "variable " + name
	}
	if s.root != nil {
		if e, ok := s.find(command, flag); ok {
			return fmt.Sprintf("file %s:%d", s.file, e.line)
		}
	}
	return "default"
}

func shownValue(flag *kong.Flag) string {
	v := flag.Target
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "-"
		}
		v = v.Elem()
	}
	text := fmt.Sprint(v.Interface())
	switch {
	case v.IsZero() && v.Kind() != reflect.Bool && !v.CanInt() && !v.CanUint():
		return "-"
	case isSecret(flag):
		return "(hidden)"
	case v.Kind() == reflect.Slice:
		var parts []string
		for i := range v.Len() {
			part, _ := redactURL(fmt.Sprint(v.Index(i).Interface()))
			parts = append(parts, part)
		}
		return strings.Join(parts, ", ")
	}
	text, _ = redactURL(text)
	return text
}

// secretName is how what holds a secret itself, and not the name of a file with
// one, is called.
var secretName = regexp.MustCompile(`(?i)(secret|password|token|master[-_]key)(s|[-_]key)?$`)

// isSecret reports whether a flag's value must not be shown.
func isSecret(flag *kong.Flag) bool {
	return slices.ContainsFunc(append([]string{flag.Name}, flag.Envs...), secretName.MatchString)
}

// secret reports whether an entry holds what others must not read.
func (e entry) secret(flag *kong.Flag) bool {
	if isSecret(flag) {
		return e.text == nil || *e.text != ""
	}
	for _, text := range append(slices.Clone(e.list), pointed(e.text)) {
		if _, secret := redactURL(text); secret {
			return true
		}
	}
	return false
}

func pointed(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// redactURL hides the password in an address, if it has one.
func redactURL(text string) (shown string, secret bool) {
	if !strings.Contains(text, "://") {
		return text, false
	}
	u, err := url.Parse(text)
	if err != nil { // it may have one, and nobody can tell where
		scheme, _, _ := strings.Cut(text, "://")
		return scheme + "://(hidden)", true
	}
	if _, ok := u.User.Password(); ok {
		u.User, secret = url.UserPassword(u.User.Username(), "hidden"), true
	}
	query := u.Query()
	for name := range query {
		if strings.Contains(strings.ToLower(name), "password") {
			query.Set(name, "hidden")
			u.RawQuery, secret = query.Encode(), true
		}
	}
	if !secret {
		return text, false
	}
	return u.String(), true
}
