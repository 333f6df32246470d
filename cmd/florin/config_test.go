package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// elsewhere makes an empty working directory and an environment without
// settings.
func elsewhere(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, entry := range os.Environ() {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "FLORIN_") {
			t.Setenv(name, value) // puts it back at the end
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func writeConfig(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(defaultConfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// parsed is a command line that was read.
type parsed struct {
	ctx  *kong.Context
	file *settings
	err  error
}

func parse(args ...string) parsed {
	parser, file := newParser(new(cli))
	ctx, err := parser.Parse(args)
	return parsed{ctx, file, err}
}

// got is the value of a flag of the chosen command, and where it comes from.
func (p parsed) got(t *testing.T, name string) (value, from string) {
	t.Helper()
	if p.err != nil {
		return p.err.Error(), "error"
	}
	flag := flagOf(p.ctx.Selected(), name)
	if flag == nil {
		t.Fatalf("%s has no flag %s", p.ctx.Command(), name)
	}
	v := flag.Target
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	return fmt.Sprint(v.Interface()), p.file.source(p.ctx, p.ctx.Selected(), flag)
}

// What a variable says is wrong does not matter to a flag that wins over it.
func TestAFlagWinsOverAWrongVariable(t *testing.T) {
	elsewhere(t)
	t.Setenv("FLORIN_PROVIDER_TIMEOUT", "long")
	if got, from := parse("serve", "--provider-timeout=5s").got(t, "provider-timeout"); got != "5s" {
		t.Errorf("%s from %s", got, from)
	}
	writeConfig(t, "provider-timeout: 5s\n")
	if p := parse("serve"); p.err == nil || !strings.Contains(p.err.Error(), "FLORIN_PROVIDER_TIMEOUT") {
		t.Errorf("the variable is passed over: %v", p.err)
	}
	if p := parse("migrate"); p.err != nil {
		t.Errorf("a command without the flag: %v", p.err)
	}
}

// The top of the file is for every command that has the variable; what stands
// below a command is for that one, and wins.
func TestTopAndSections(t *testing.T) {
	elsewhere(t)
	writeConfig(t, "listen: 127.0.0.1:1\ndb: sqlite:a.db\nserve:\n  sandbox: http://localhost:2\nsandbox:\n  listen: 127.0.0.1:2\nverify: {db: 'sqlite:b.db', json: true}\nkey:\n  list:\n    all: yes\n")
	for _, c := range []struct{ command, flag, value, from string }{
		{"serve", "listen", "127.0.0.1:1", "file florin.yaml:1"},
		{"serve", "db", "sqlite:a.db", "file florin.yaml:2"},
		{"serve", "sandbox", "http://localhost:2", "file florin.yaml:4"},
		{"sandbox", "listen", "127.0.0.1:2", "file florin.yaml:6"},
		{"migrate", "db", "sqlite:a.db", "file florin.yaml:2"},
		{"verify", "db", "sqlite:b.db", "file florin.yaml:7"},
		{"verify", "json", "true", "file florin.yaml:7"},
		{"key list", "all", "true", "file florin.yaml:10"},
		{"key list", "json", "false", "default"},
		{"account list", "db", "sqlite:a.db", "file florin.yaml:2"},
	} {
		if value, from := parse(strings.Fields(c.command)...).got(t, c.flag); value != c.value || from != c.from {
			t.Errorf("%s %s: %s from %s", c.command, c.flag, value, from)
		}
	}
	writeConfig(t, "sandbox: embedded\n") // a flag of serve, and the name of a command
	if value, from := parse("serve").got(t, "sandbox"); value != "embedded" || from != "file florin.yaml:1" {
		t.Errorf("%s from %s", value, from)
	}
	if value, from := parse("sandbox").got(t, "listen"); from != "default" {
		t.Errorf("%s from %s", value, from)
	}
}

func TestWhichFile(t *testing.T) {
	elsewhere(t)
	other := filepath.Join(t.TempDir(), "other.yaml")
	if err := os.WriteFile(other, []byte("listen: 127.0.0.1:2\n"), 0o644); err != nil { // no secret in it
		t.Fatal(err)
	}
	listen := func(args ...string) string {
		_, from := parse(append(args, "serve")...).got(t, "listen")
		return from
	}
	if got := listen(); got != "default" {
		t.Errorf("without a file: %s", got)
	}
	writeConfig(t, "listen: 127.0.0.1:1\n")
	t.Run("named by a variable", func(t *testing.T) {
		t.Setenv("FLORIN_CONFIG", other)
		for want, args := range map[string][]string{"file " + other + ":1": nil, "file florin.yaml:1": {"--config=florin.yaml"}, "default": {"--config="}} {
			if got := listen(args...); got != want {
				t.Errorf("%v: %s", args, got)
			}
		}
		t.Setenv("FLORIN_CONFIG", "")
		if got := listen(); got != "default" {
			t.Errorf("an empty variable: %s", got)
		}
	})
	if got := listen(); got != "file florin.yaml:1" {
		t.Errorf("the default file: %s", got)
	}
	if got := listen("--config", other); got != "file "+other+":1" {
		t.Errorf("named before the command: %s", got)
	}
	if got, from := parse("serve", "--config", other).got(t, "listen"); from != "file "+other+":1" {
		t.Errorf("named after the command: %s, %s", got, from)
	}
	bad := &configError{}
	if p := parse("serve", "--config=missing.yaml"); !errors.As(p.err, &bad) || !strings.Contains(bad.text, "missing.yaml") {
		t.Errorf("a file that is named and missing: %v", p.err)
	}
	if p := parse("serve", "--config="+t.TempDir()); !errors.As(p.err, &bad) {
		t.Errorf("a folder: %v", p.err)
	}
	writeConfig(t, "nonsense")
	if p := parse("version"); p.err != nil {
		t.Errorf("the version depends on the file: %v", p.err)
	}
}

func TestWhatAFileMayNotSay(t *testing.T) {
	elsewhere(t)
	for text, want := range map[string]string{
		"lisen: x\n":                       "florin.yaml:1: there is no setting lisen: did you mean listen?",
		"\n# a\nmaster-key-fil: x\n":       "florin.yaml:3: there is no setting master-key-fil: did you mean master-key-file?",
		"serv:\n  listen: x\n":             "florin.yaml:1: there is no setting serv: did you mean serve?",
		"serve:\n  listne: x\n":            "florin.yaml:2: there is no setting serve: listne: did you mean listen?",
		"serve:\n  db: a\n  config: x\n":   "florin.yaml:3: there is no setting serve: config",
		"config: x\n":                      "florin.yaml:1: there is no setting config",
		"help: true\n":                     "florin.yaml:1: there is no setting help",
		"book: x\n":                        "florin.yaml:1: there is no setting book at the top: it is one of florin sandbox, so write it below sandbox:",
		"all: true\n":                      "florin.yaml:1: there is no setting all at the top: it is one of florin key list, so write it below key: list:",
		"colour-of-the-hills: red\n":       "florin.yaml:1: there is no setting colour-of-the-hills; docs/operating.md lists those there are",
		"listen: a\nlisten: b\n":           "florin.yaml:2: listen stands in line 1 already",
		"listen:\n":                        `florin.yaml:1: listen has no value; take the line out, or write "" for an empty text`,
		"listen: [a, b]\n":                 "florin.yaml:1: listen: want one value",
		"db: {a: b}\n":                     "florin.yaml:1: db: want one value",
		"provider-timeout: long\n":         "florin.yaml:1: provider-timeout: ",
		"serve:\n  provider-timeout: 10\n": "florin.yaml:2: provider-timeout: ",
		"- a\n":                            "florin.yaml:1: want settings",
		"listen\n":                         "florin.yaml:1: want settings",
		"a: b: c\n":                        "florin.yaml: yaml: ",
		"\tlisten: a\n":                    "florin.yaml: yaml: ",
		"listen: a\n---\nlisten: b\n":      "florin.yaml: there is more than one document",
		"x: &x a\nlisten: *x\n":            "florin.yaml:2: listen: want the value itself",
		"? [a]\n: b\n":                     "florin.yaml:1: want the name of a setting",
		"serve: {serve: {a: {b: {c: {d: {e: f}}}}}}\n": "florin.yaml:1: no command has so many names",
		"db: [[a]]\n":               "florin.yaml:1: db: want a list of texts",
		"verify:\n  json: [a]\n":    "florin.yaml:2: json: want one value", // of another command
		"master-key-file: {a: b}\n": "florin.yaml:1: master-key-file: want one value",
	} {
		writeConfig(t, text)
		bad := &configError{}
		if p := parse("serve"); !errors.As(p.err, &bad) || !strings.HasPrefix(bad.text, want) {
			t.Errorf("%q: %v\nwant %s", text, p.err, want)
		}
	}
	for _, text := range []string{"", "# nothing\n", "---\n", "{}", "null\n", "listen: \"\"\n"} {
		writeConfig(t, text)
		if p := parse("migrate"); p.err != nil {
			t.Errorf("%q: %v", text, p.err)
		}
	}
	if err := os.WriteFile(defaultConfig, []byte(strings.Repeat("#", maxConfigFile+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := parse("migrate"); p.err == nil || !strings.Contains(p.err.Error(), "larger than") {
		t.Errorf("a file that is too large: %v", p.err)
	}
}

// A file with a secret in it is for its owner's eyes.
func TestSecretsInAFileThatIsOpen(t *testing.T) {
	elsewhere(t)
	for text, secret := range map[string]bool{
		"master-key: abc\n": true, "secret-key: sk_test_1234567890abcd\n": true, "master-key-file: /etc/florin.key\n": false,
		"publishable-key: pk_test_1234567890abcd\n": false, "db: postgres://u:p@h/d\n": true, "db: postgres://u@h/d\n": false,
		"verify:\n  db: postgres://h/d?user=u&password=p\n": true, "sandbox: http://u:p@localhost:1\n": true, "master-key: \"\"\n": false,
		"db: 'postgres://u:p@h1:1,h2:2/d'\n": true,
	} {
		writeConfig(t, text)
		for _, mode := range []os.FileMode{0o600, 0o400, 0o640, 0o604, 0o620} {
			if err := os.Chmod(defaultConfig, mode); err != nil {
				t.Fatal(err)
			}
			p := parse("serve")
			if refused := p.err != nil; refused != (secret && mode&0o077 != 0) {
				t.Errorf("%q with mode %o: %v", text, mode, p.err)
			}
			if p.err != nil && !strings.Contains(p.err.Error(), "chmod 600 florin.yaml") {
				t.Errorf("it does not say what to do: %v", p.err)
			}
		}
		if err := os.Remove(defaultConfig); err != nil {
			t.Fatal(err)
		}
	}
}

// The settings are shown with where they come from, and without what is secret.
func TestSettingsAreShown(t *testing.T) {
	elsewhere(t)
	writeConfig(t, "db: postgres://ada:lovelace@db.example/books?sslmode=require\nmaster-key: abcdef\n")
	t.Setenv("FLORIN_SANDBOX", "http://u:hush@localhost:9")
	t.Setenv("FLORIN_SECRET_KEY", "sk_test_hushhushhush0001")
	p := parse("serve", "--listen=127.0.0.1:7")
	if p.err != nil {
		t.Fatal(p.err)
	}
	var out strings.Builder
	if err := p.file.print(&out, p.ctx); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"lovelace", "abcdef", "hush@", "hushhush"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("it shows %s", secret)
		}
	}
	got := map[string]string{}
	for line := range strings.Lines(out.String()) {
		if f := strings.Fields(line); len(f) >= 3 {
			got[f[0]] = strings.Join(f[1:], " ")
		}
	}
	for name, want := range map[string]string{
		"listen": "127.0.0.1:7 flag --listen", "db": "postgres://ada:hidden@db.example/books?sslmode=require file florin.yaml:1",
		"master-key": "(hidden) file florin.yaml:2", "secret-key": "(hidden) variable FLORIN_SECRET_KEY",
		"sandbox": "http://u:hidden@localhost:9 variable FLORIN_SANDBOX", "provider-timeout": "10s default", "publishable-key": "- default",
		"config": "florin.yaml default",
	} {
		if got[name] != want {
			t.Errorf("%s: %s, want %s", name, got[name], want)
		}
	}
}

func TestRedactURL(t *testing.T) {
	for text, want := range map[string]string{
		"sqlite:florin.db": "sqlite:florin.db", "postgres://h/d": "postgres://h/d", "postgres://u@h/d": "postgres://u@h/d",
		"postgres://u:p@h/d": "postgres://u:hidden@h/d", "postgres://u:@h/d": "postgres://u:hidden@h/d",
		"postgres://h/d?a=b&PassWord=x": "postgres://h/d?PassWord=hidden&a=b", "postgres://h/d?sslpassword=x": "postgres://h/d?sslpassword=hidden",
		"postgres://u:p%zz@h/d": "postgres://(hidden)", "http://[::1": "http://(hidden)",
	} {
		got, secret := redactURL(text)
		if got != want || secret != (got != text) && !strings.Contains(want, "hidden") {
			t.Errorf("%s: %s, %t", text, got, secret)
		}
	}
}

// Whatever stands in a file, reading it ends, and each value is a text of the file.
func FuzzConfigFile(f *testing.F) {
	for _, seed := range []string{"listen: a\n", "serve: {db: [a, b]}\n", "a: &a [*a]\n", "? {a: b}\n: c\n", "<<: {a: b}\n", "a: !!binary eA==\n", "---\n...\n", "a: |\n  b\n", strconv.Quote("\xff")} {
		f.Add(seed)
	}
	parser, _ := newParser(new(cli))
	f.Fuzz(func(t *testing.T, text string) {
		root, err := parseConfig("f", []byte(text))
		if err != nil {
			return
		}
		if len(root.names) != len(root.entries) {
			t.Errorf("%d names, %d entries", len(root.names), len(root.entries))
		}
		s := &settings{file: "f", root: root}
		if s.check(parser.Model.Node, root, nil, 0o077) != nil {
			return
		}
		for _, leaf := range parser.Model.Leaves(false) {
			for _, flag := range leaf.Flags {
				if e, ok := s.find(leaf, flag); ok && settable(flag) {
					_, _ = s.Resolve(nil, &kong.Path{Command: leaf}, flag)
					_ = e
				}
			}
		}
	})
}

func TestNearest(t *testing.T) {
	names := []string{"listen", "db", "master-key", "master-key-file", "sandbox"}
	for written, want := range map[string]string{
		"lisen": "listen", "Listen": "listen", "dbs": "db", "masterkey": "master-key", "master_key_file": "master-key-file", "weather": "", "": "db",
	} {
		if got := nearest(written, names); got != want {
			t.Errorf("%q: %q", written, got)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"abc", "abd", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 2}} {
		if diff := cmp.Diff(c.want, distance(c.a, c.b)); diff != "" {
			t.Errorf("%q %q: %s", c.a, c.b, diff)
		}
	}
}
