//go:build unix

// Package scripts tests the shell scripts of this folder.
package scripts

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// machine is a made-up machine: a folder of programs that is all of PATH, and
// another in which the script believes to be at home.
type machine struct {
	t         *testing.T
	bin, home string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	root := t.TempDir()
	m := &machine{t: t, bin: filepath.Join(root, "bin"), home: filepath.Join(root, "home")}
	for _, dir := range []string{m.bin, filepath.Join(m.home, "scripts")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script, err := os.ReadFile("setup")
	if err != nil {
		t.Fatal(err)
	}
	m.write(filepath.Join(m.home, "scripts", "setup"), string(script))
	for _, tool := range []string{"sh", "awk", "dirname", "mkdir", "cat", "chmod"} {
		real, err := exec.LookPath(tool)
		if err != nil {
			t.Skip(err)
		}
		if err := os.Symlink(real, filepath.Join(m.bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	m.program("id", "echo 1000")
	m.program("go", "echo go1.26.3")
	m.program("postgres", "echo 'postgres (PostgreSQL) 99.1'")
	m.program("initdb", "")
	m.program("node", "echo v20.0.0")
	m.program("npm", "exit 1")
	return m
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) program(name, body string) {
	m.t.Helper()
	m.write(filepath.Join(m.bin, name), "#!/bin/sh\n"+body+"\n")
}

func (m *machine) without(name string) {
	m.t.Helper()
	if err := os.Remove(filepath.Join(m.bin, name)); err != nil {
		m.t.Fatal(err)
	}
}

// asRoot makes apt-get available; body is what it does when told to install.
func (m *machine) asRoot(body string) {
	m.t.Helper()
	m.program("id", "echo 0")
	m.program("apt-get", `echo "ran apt-get $*"; case "$1" in install) `+body+` ;; esac`)
}

func (m *machine) setup() (output string, ok bool) {
	m.t.Helper()
	cmd := exec.Command(filepath.Join(m.bin, "sh"), filepath.Join(m.home, "scripts", "setup"))
	cmd.Env = []string{"PATH=" + m.bin}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err == nil
}

func TestSetup(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(*machine)
		ok     bool
		says   []string
		never  string
	}{
		{
			name: "complete", change: func(m *machine) { m.asRoot("false") }, ok: true,
			says: []string{"Go 1.26.3\n", "PostgreSQL 99.1\n", "Node 20.0.0\n"}, never: "apt-get",
		},
		{
			name: "go is old", change: func(m *machine) { m.program("go", "echo go1.25.11") },
			says: []string{"Go is 1.25.11: install Go 1.26 or newer", "PostgreSQL 99.1", "Node 20"},
		},
		{
			name: "go 1.9 is not newer than 1.26", change: func(m *machine) { m.program("go", "echo go1.9") },
			says: []string{"Go is 1.9: install"},
		},
		{
			name: "go 2 is newer", change: func(m *machine) { m.program("go", "echo go2.0") }, ok: true,
			says: []string{"Go 2.0\n"},
		},
		{
			name: "no go", change: func(m *machine) { m.without("go") },
			says: []string{"Go is missing: install Go 1.26"},
		},
		{
			name: "go fails", change: func(m *machine) { m.program("go", "echo no toolchain >&2; exit 1") },
			says: []string{"Go does not run here: no toolchain"},
		},
		{
			name: "no node, not root", change: func(m *machine) { m.without("node") },
			says: []string{"Node is missing: install Node 20"}, never: "apt-get update",
		},
		{
			name: "no npm, not root", change: func(m *machine) { m.without("npm") },
			says: []string{"npm is missing"},
		},
		{
			name: "no node, root", ok: true,
			change: func(m *machine) {
				m.without("node")
				m.asRoot(`printf '#!/bin/sh\necho v21.2.0\n' >` + m.bin + `/node; chmod +x ` + m.bin + `/node`)
			},
			says: []string{"ran apt-get update -qq\n", "ran apt-get install -y -qq --no-install-recommends nodejs npm\n", "Node 21.2.0\n"},
		},
		{
			name: "apt-get fails", change: func(m *machine) {
				m.without("node")
				m.asRoot("exit 100")
			},
			says: []string{"ran apt-get install", "Node is missing: install Node 20"},
		},
		{
			name: "node is old: a newer one goes beside it", ok: true,
			change: func(m *machine) {
				m.program("node", "echo v18.20.4")
				m.program("npm", `echo "ran npm $*"
mkdir -p .cache/node/node_modules/.bin
printf '#!/bin/sh\necho v22.9.0\n' >.cache/node/node_modules/.bin/node
chmod +x .cache/node/node_modules/.bin/node`)
			},
			says:  []string{"Node is 18.20.4", "ran npm install", "--prefix .cache/node node@22\n", "Node 22.9.0\n"},
			never: "apt-get",
		},
		{
			name: "node is old and npm gets none", change: func(m *machine) { m.program("node", "echo v18.20.4") },
			says: []string{"Node is v18.20.4: install Node 20"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			c.change(m)
			out, ok := m.setup()
			if ok != c.ok {
				t.Errorf("succeeded: %t, want %t", ok, c.ok)
			}
			for _, want := range c.says {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q", want)
				}
			}
			if c.never != "" && strings.Contains(out, c.never) {
				t.Errorf("it says %q", c.never)
			}
			if t.Failed() {
				t.Logf("it said:\n%s", out)
			}
		})
	}
}

// TestSetupTwice: a second run finds what the first installed.
func TestSetupTwice(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.without("node")
	m.asRoot(`printf '#!/bin/sh\necho v20.1.0\n' >` + m.bin + `/node; chmod +x ` + m.bin + `/node`)
	if out, ok := m.setup(); !ok {
		t.Fatal(out)
	}
	if out, ok := m.setup(); !ok || strings.Contains(out, "apt-get") {
		t.Errorf("the second run succeeded: %t, and said:\n%s", ok, out)
	}
}
