package bench

import (
	"strings"
	"testing"
	"time"
)

func TestConfig(t *testing.T) {
	good := Config{Clients: 1, Mix: "payment", Duration: time.Second}
	for name, test := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"default":            {func(*Config) {}, ""},
		"postgres":           {func(c *Config) { c.DB = "postgres://localhost/x" }, ""},
		"running":            {func(c *Config) { c.URL, c.Key = "http://127.0.0.1:8420", "sk_test_x" }, ""},
		"live key":           {func(c *Config) { c.URL, c.Key = "http://127.0.0.1:8420", "sk_live_x" }, "test key"},
		"no key":             {func(c *Config) { c.URL = "http://127.0.0.1:8420" }, "test key"},
		"no host":            {func(c *Config) { c.URL, c.Key = "127.0.0.1:8420", "sk_test_x" }, "--url"},
		"both":               {func(c *Config) { c.URL, c.Key, c.DB = "http://h", "sk_test_x", "postgres://localhost/x" }, "--db"},
		"no clients":         {func(c *Config) { c.Clients = 0 }, "clients"},
		"no such mix":        {func(c *Config) { c.Mix = "nothing" }, "authorize_capture, mixed, payment, payment_and_read, read, refund, stored_card"},
		"no time":            {func(c *Config) { c.Duration = 0 }, "nothing to measure"},
		"requests":           {func(c *Config) { c.Duration, c.Requests = 0, 1 }, ""},
		"open loop":          {func(c *Config) { c.Rate = 100 }, ""},
		"open, by requests":  {func(c *Config) { c.Rate, c.Requests = 100, 5 }, "--rate"},
		"rate below zero":    {func(c *Config) { c.Rate = -1 }, "--rate"},
		"many merchants":     {func(c *Config) { c.Merchants, c.Hot = 10_000, 50 }, ""},
		"too many merchants": {func(c *Config) { c.Merchants = 10_001 }, "--merchants"},
		"hot, and alone":     {func(c *Config) { c.Hot = 50 }, "--hot"},
		"too hot":            {func(c *Config) { c.Merchants, c.Hot = 2, 101 }, "--hot"},
		"merchants there":    {func(c *Config) { c.URL, c.Key, c.Merchants = "http://h", "sk_test_x", 2 }, "--merchants"},
		"runs there":         {func(c *Config) { c.URL, c.Key, c.Runs = "http://h", "sk_test_x", 2 }, "--runs"},
		"webhooks":           {func(c *Config) { c.Webhooks = "some" }, "--webhooks"},
		"SQLite's path":      {func(c *Config) { c.DB = "sqlite:florin.db" }, "--db"},
	} {
		c := good
		test.change(&c)
		err := c.check()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func TestTarget(t *testing.T) {
	for address, want := range map[string]target{
		"http://127.0.0.1:8420":     {address: "127.0.0.1:8420", host: "127.0.0.1:8420"},
		"http://[::1]/":             {address: "[::1]:80", host: "[::1]"},
		"https://pay.example/below": {address: "pay.example:443", host: "pay.example", base: "/below"},
	} {
		got, err := newTarget(address)
		if err != nil {
			t.Fatal(err)
		}
		if got.address != want.address || got.host != want.host || got.base != want.base || (got.tls != nil) != strings.HasPrefix(address, "https:") {
			t.Errorf("%s: %+v", address, got)
		}
	}
}
