//go:build unix

package operator

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/florinpay/florin/test/florin"
)

// The real binary takes a setting from the flag, else the variable, else the
// file, else the default, and acts on what it takes.
func TestSettingsReachTheProgram(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "florin.yaml")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	write("db: sqlite:of-the-file.db\n", 0o644)
	for i, c := range []struct {
		env, args []string
		made      string
	}{
		{nil, []string{"--config="}, "florin.db"},
		{nil, nil, "of-the-file.db"},
		{[]string{"FLORIN_DB=sqlite:of-the-variable.db"}, nil, "of-the-variable.db"},
		{[]string{"FLORIN_DB=sqlite:of-the-variable.db"}, []string{"--db=sqlite:of-the-flag.db"}, "of-the-flag.db"},
		{nil, []string{"--db=sqlite:of-the-flag2.db"}, "of-the-flag2.db"},
	} {
		florin(t, dir, c.env, append([]string{"migrate"}, c.args...)...).ok()
		if _, err := os.Stat(filepath.Join(dir, c.made)); err != nil {
			t.Errorf("case %d: %v", i, err)
		}
	}
	write("listen: 127.0.0.1:1\nmaster-key: abcdefgh\n", 0o600)
	shown := florin(t, dir, []string{"FLORIN_SANDBOX=http://u:hush@localhost:1"}, "serve", "--print-config", "--provider-timeout=3s").ok().out
	for _, want := range []string{"127.0.0.1:1", "file florin.yaml:1", "(hidden)", "file florin.yaml:2", "http://u:hidden@localhost:1", "variable FLORIN_SANDBOX", "3s", "flag --provider-timeout"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%s is missing in\n%s", want, shown)
		}
	}
	if strings.Contains(shown, "abcdefgh") || strings.Contains(shown, "hush@") {
		t.Errorf("a secret is shown:\n%s", shown)
	}
	for _, c := range []struct {
		text string
		mode os.FileMode
		want string
	}{
		{"master-key: abc\n", 0o640, "florin: florin.yaml:1: master-key is a secret, and others than the file's owner may open it: run chmod 600 florin.yaml\n"},
		{"\nlisten: a\nlsiten: b\n", 0o600, "florin: florin.yaml:3: there is no setting lsiten: did you mean listen?\n"},
		{"provider-timeout: soon\n", 0o600, "florin: florin.yaml:1: provider-timeout: "},
	} {
		write(c.text, c.mode)
		if r := florin(t, dir, nil, "serve"); r.status != 1 || !strings.HasPrefix(r.err, c.want) || r.out != "" {
			t.Errorf("%q: exit %d\n%s%s", c.text, r.status, r.out, r.err)
		}
	}
}

// A server takes its settings from a file and from nowhere else, and the
// commands beside it too.
func TestServerWithAFile(t *testing.T) {
	dir := t.TempDir()
	text := "db: " + florintest.Database(t) + "\nserve:\n  listen: 127.0.0.1:0\n  secret-key: sk_test_settingsofthefile01\nsandbox: embedded\n"
	if err := os.WriteFile(filepath.Join(dir, "florin.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	cmd := command(ctx, t, dir, nil, "serve")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	cmd.Stderr = &logged
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		stop()
		_ = cmd.Wait() // it was killed
	}()
	address := ""
	for lines := bufio.NewScanner(out); address == "" && lines.Scan(); {
		_, address, _ = strings.Cut(lines.Text(), "is ready at ")
	}
	if address == "" {
		t.Fatalf("it does not listen:\n%s", &logged)
	}
	s := &florintest.Server{Program: &florintest.Program{URL: address}}
	if a := ask(t, s, "sk_test_settingsofthefile01", "GET", "/v1/charges", ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.text)
	}
	if out := florin(t, dir, nil, "key", "list").ok().out; !strings.Contains(out, "le01") {
		t.Errorf("the key of the file is not there:\n%s", out)
	}
}
