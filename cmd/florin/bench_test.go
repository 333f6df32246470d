package main

import "testing"

// A command line that is shown has neither keys nor passwords.
func TestShownCommand(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "florin"},
		{[]string{"bench", "--runs", "5", "--rate=500"}, "florin bench --runs 5 --rate=500"},
		{[]string{"bench", "--db", "postgres://u:secret@h/d", "--runs=5"}, "florin bench --db … --runs=5"},
		{[]string{"bench", "--db=postgres://u:secret@h/d", "--key=sk_test_x", "--key", "sk_test_y"}, "florin bench --db=… --key=… --key …"},
	} {
		if got := shownCommand(test.args); got != test.want {
			t.Errorf("%q is shown as %q, want %q", test.args, got, test.want)
		}
	}
}
