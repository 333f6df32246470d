//go:build unix

package florintest

import (
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"
)

// Options say how a server is started. The zero value is what most tests want.
type Options struct {
	// DB is the database's address; empty: a new one, see [Database].
	DB string
	// Sandbox is the URL of a sandbox, see [StartSandbox]; empty: the one within
	// the server's process.
	Sandbox string
	// SecretKey and PublishableKey are the first account's; empty: random ones.
	// Servers on one database need the same.
	SecretKey, PublishableKey string
	// TLS is the certificate that the server shows; nil: it speaks plain HTTP.
	TLS *Certificate
	// Args and Env are added to the command line and to the environment of every
	// run.
	Args, Env []string
	// Tags are build tags, such as "probe".
	Tags []string
	// Bin is another binary, such as [Newer]'s; empty: [Binary].
	Bin string
}

// Server is a "florin serve".
type Server struct {
	*Program
	// DB is the address of its database.
	DB string
	// SecretKey and PublishableKey are the test keys of the database's first account.
	SecretKey, PublishableKey string
}

// Start starts a server and waits until it answers. At the end of the test it
// is killed; call [Program.Stop] before where the end itself matters.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	s := New(tb, o)
	if err := s.start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s
}

// New makes a server that does not run yet; [Program.Restart] and
// [Program.Begin] start it.
func New(tb testing.TB, o Options) *Server {
	tb.Helper()
	s := &Server{DB: o.DB, SecretKey: o.SecretKey, PublishableKey: o.PublishableKey}
	if s.DB == "" {
		s.DB = Database(tb)
	}
	if s.SecretKey == "" {
		s.SecretKey = "sk_test_" + rand.Text()
	}
	if s.PublishableKey == "" {
		s.PublishableKey = "pk_test_" + rand.Text()
	}
	args := []string{"serve", "--db=" + s.DB}
	if o.Sandbox != "" {
		args = append(args, "--sandbox="+o.Sandbox)
	}
	if o.TLS != nil {
		args = append(args, "--tls-cert="+o.TLS.CertFile, "--tls-key="+o.TLS.KeyFile)
	}
	env := []string{"FLORIN_SECRET_KEY=" + s.SecretKey, "FLORIN_PUBLISHABLE_KEY=" + s.PublishableKey}
	var folders []string
	if path, ok := strings.CutPrefix(s.DB, "sqlite:"); ok {
		folders = append(folders, filepath.Dir(path))
	}
	bin := o.Bin
	if bin == "" {
		bin = Binary(tb, o.Tags...)
	}
	s.Program = newProgram(tb, bin, append(args, o.Args...), append(env, o.Env...), folders...)
	if o.TLS != nil {
		s.secure, s.URL = o.TLS, strings.Replace(s.URL, "http:", "https:", 1)
	}
	return s
}

// Nodes starts n servers on one new PostgreSQL database, one after another.
func Nodes(tb testing.TB, n int, o Options) []*Server {
	tb.Helper()
	list := []*Server{Start(tb, o)}
	for len(list) < n {
		list = append(list, list[0].Twin(tb, o))
		if err := list[len(list)-1].start(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
	return list
}

// Twin makes another server on the database of s, which does not run yet.
func (s *Server) Twin(tb testing.TB, o Options) *Server {
	tb.Helper()
	o.DB, o.SecretKey, o.PublishableKey = s.DB, s.SecretKey, s.PublishableKey
	o.Env = append(append([]string(nil), o.Env...), "FLORIN_MASTER_KEY_FILE="+s.KeyFile())
	return New(tb, o)
}

// KeyFile is where the server keeps the master key that it made: beside a
// SQLite database, else in [Program.Dir]. Another server on the same database
// is given it as FLORIN_MASTER_KEY_FILE.
func (s *Server) KeyFile() string {
	if path, ok := strings.CutPrefix(s.DB, "sqlite:"); ok {
		return filepath.Join(filepath.Dir(path), "florin.key")
	}
	return filepath.Join(s.Dir, "florin.key")
}

// Successor makes a server that takes the address of s once s has ended, on the
// database of first, whose key it is given.
func (s *Server) Successor(tb testing.TB, first *Server, o Options) *Server {
	tb.Helper()
	next := first.Twin(tb, o)
	next.mu.Lock()
	defer next.mu.Unlock()
	next.port, next.URL = s.port, s.URL
	return next
}
