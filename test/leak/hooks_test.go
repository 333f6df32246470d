//go:build unix

package leak_test

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/test/florin"
	"github.com/florinpay/florin/test/leak"
	"github.com/florinpay/florin/test/postgres"
)

// plant is set in a test process whose tests plant card data, and must fail.
const plant = "FLORIN_PLANT"

// places are where evidence of a test is searched: each function plants all
// forms in one of them, as a product that makes a mistake would.
var places = map[string]func(t *testing.T, forms [][]byte){
	"database": func(t *testing.T, forms [][]byte) {
		address := dbtest.Address(t)
		store(t, address, journalOf(address), forms...)
	},
	"database with its log": func(t *testing.T, forms [][]byte) {
		address := dbtest.Address(t)
		d := dbtest.OpenAt(t, address, db.Options{})
		store(t, address, journalOf(address), forms...)
		if !dbtest.Postgres() { // there, what was deleted is found when the server ends
			store(t, address, journalOf(address))
		}
		if err := d.ClaimNode(t.Context()); err != nil {
			t.Fatal(err)
		}
	},
	"server's database": func(t *testing.T, forms [][]byte) {
		address := florintest.Start(t, florintest.Options{}).DB
		store(t, address, journalOf(address), forms...)
	},
	"server's log": func(t *testing.T, forms [][]byte) {
		s := florintest.Start(t, florintest.Options{})
		add(t, s.Dir+"/serve.log", forms...)
		if err := s.Stop(); err == nil || !strings.Contains(err.Error(), "card data") {
			t.Fatalf("at its end nothing is found: %v", err)
		}
	},
	"book": func(t *testing.T, forms [][]byte) {
		add(t, florintest.StartSandbox(t, florintest.SandboxOptions{}).Book, forms...)
	},
	"log": func(t *testing.T, forms [][]byte) {
		log := leak.Logger(t)
		for _, form := range forms {
			log.Debug("planted", "form", string(form))
		}
		log.Debug("planted", "form", "4000 0566 5566 5556")
	},
	"reply": func(t *testing.T, forms [][]byte) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for _, form := range forms {
				_, _ = w.Write(append(form, '\n'))
			}
		}))
		defer server.Close()
		client := http.Client{Transport: leak.Watched(t, nil)}
		reply, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = reply.Body.Close()
	},
}

func journalOf(address string) string {
	if strings.HasPrefix(address, "sqlite:") {
		return "wal"
	}
	return ""
}

// TestPlant is the test that makes the mistake, in a process of its own.
func TestPlant(t *testing.T) {
	place := os.Getenv(plant)
	if place == "" {
		t.Skip("TestPlantedDataFailsATest runs it")
	}
	forms := leak.PlantedForms()
	var list [][]byte
	for _, name := range slices.Sorted(maps.Keys(forms)) {
		list = append(list, forms[name])
	}
	places[place](t, list)
}

// TestPlantedDataFailsATest: a test that leaves card data in a place that is
// searched fails, and is told of each form.
func TestPlantedDataFailsATest(t *testing.T) {
	if os.Getenv(plant) != "" {
		return
	}
	env := append(os.Environ(), "FLORIN_BIN="+florintest.Binary(t)) // built once for all
	if dbtest.Postgres() {
		env = append(env, "FLORIN_TEST_DB="+spoiled(t))
	}
	for place := range places {
		t.Run(place, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPlant$", "-test.count=1")
			cmd.Env = append(slices.Clone(env), plant+"="+place)
			out, err := cmd.CombinedOutput()
			if _, failed := errors.AsType[*exec.ExitError](err); !failed {
				t.Fatalf("the test with planted data ends with %v:\n%s", err, out)
			}
			for _, form := range []leak.Form{leak.Plain, leak.Spaced, leak.Dashed, leak.URLEncoded, leak.BCD, leak.Hex, leak.Base64, leak.CVC} {
				if place == "log" && form == leak.BCD {
					continue // a log has no bytes that are no text
				}
				if !strings.Contains(string(out), ", "+string(form)+"\n") {
					t.Errorf("it is not told of %s:\n%.4000s", form, out)
				}
			}
		})
	}
}

// spoiled is the address of a PostgreSQL server for planted data, apart from
// the one that all other tests use: what that leaves behind is searched too.
func spoiled(t *testing.T) string {
	t.Helper()
	server, err := postgres.Start(t.Context(), postgres.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err == nil || !strings.Contains(err.Error(), "card data: ") {
			t.Errorf("the server's end says %v", err)
		}
	})
	return server.URL()
}
