// Package secrettest shows that a value which holds card data does not print
// it, by whatever way a value gets into a log, an error or a reply.
package secrettest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/florinpay/florin/test/leak"
)

// Number and Code are the card data that a value must hold for [Hides].
const (
	Number = "4000056655665556"
	Code   = "7391"
)

var verbs = strings.Split("%v,%+v,%#v,%s,%q,%+q,%#q,%x,%X,% x,%# x,%d,%b,%o,%c,%U,%t,%T,%p,%20s,%-20v,%.3s,%08d,%z", ",")

// Hides fails the test if a value, alone or within others, prints [Number] or
// [Code].
func Hides(tb testing.TB, name string, value any) {
	tb.Helper()
	for _, held := range []any{
		value, &value, []any{value}, map[string]any{"k": value}, struct{ V any }{value}, &struct{ V any }{value}, fmt.Errorf("wrapped: %w", errors.New(fmt.Sprint(value))),
	} {
		for how, text := range printed(held) {
			if shows(text) {
				tb.Errorf("%s, as a %T, by %s: %s", name, held, how, text)
			}
		}
	}
}

// shows reports whether text holds the number in some form, or the code.
func shows(text string) bool {
	bytesOf := func(s string) string { return strings.Trim(fmt.Sprint([]byte(s)), "[]") }
	spacedHex := func(s string) string { return fmt.Sprintf("% x", s) }
	for _, secret := range []string{Number, Code} {
		if shownAlone(text, secret) {
			return true
		}
		for _, form := range []string{fmt.Sprintf("%x", secret), bytesOf(secret), spacedHex(secret)} {
			if strings.Contains(text, form) {
				return true
			}
		}
	}
	return len(leak.Bytes("", []byte(text))) > 0
}

// shownAlone reports whether text holds form, and not only amid the digits of a
// longer number: the address of a pointer may hold any four digits by chance.
func shownAlone(text, form string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], form)
		if i < 0 {
			return false
		}
		begin, end := at+i, at+i+len(form)
		if !digitAt(text, begin-1) && !digitAt(text, end) {
			return true
		}
		at = begin + 1
	}
}

func digitAt(text string, i int) bool {
	return i >= 0 && i < len(text) && '0' <= text[i] && text[i] <= '9'
}

// printed gives a value as fmt, slog and encoding/json print it.
func printed(value any) map[string]string {
	list := map[string]string{"Sprint": fmt.Sprint(value), "Sprintln": fmt.Sprintln(value)}
	for _, verb := range verbs {
		list[verb] = fmt.Sprintf(verb, value)
	}
	if text, err := json.Marshal(value); err == nil {
		list["JSON"] = string(text)
	} else {
		list["JSON's error"] = err.Error()
	}
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog's text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog's JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var out bytes.Buffer
		log := slog.New(handler(&out)).With("with", value)
		log.Info("x", "value", value, slog.Group("group", "value", value), slog.Any("any", value))
		list[name] = out.String()
	}
	return list
}
