package main

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// samples are values of flags whose type does not tell what they may be. Each
// has three that differ from each other and from the default.
var samples = map[string][]string{
	"expire-in": {"1h", "24h", "7d"},
	"in":        {"1h", "24h", "7d"},
	"since":     {"1h", "24h", "7d"},
	"until":     {"1h", "24h", "7d"},
}

func samplesOf(t *testing.T, flag *kong.Flag) []string {
	t.Helper()
	if given := samples[flag.Name]; given != nil {
		return given
	}
	v := flag.Target.Type()
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch {
	case flag.Enum != "":
		values := flag.EnumSlice()
		for len(values) < 3 {
			values = append(values, values[0])
		}
		return values[:3]
	case flag.Tag.Type == "existingdir":
		return []string{t.TempDir(), t.TempDir(), t.TempDir()}
	case v.Kind() == reflect.Bool:
		return []string{"true", "false", "true"}
	case v.String() == "time.Duration":
		return []string{"11s", "12s", "13s"}
	case flag.Target.CanInt() || flag.Target.CanUint() || v.Kind() == reflect.Int64:
		return []string{"11", "12", "13"}
	case v.Kind() == reflect.Float64:
		return []string{"0.5", "20", "1e3"}
	case v.Kind() == reflect.Map:
		return []string{"usd=11", "usd=12", "usd=13"}
	case v.Kind() == reflect.String || v.Kind() == reflect.Slice && v.Elem().Kind() == reflect.String:
		return []string{"/a", "/b", "/c"}
	}
	t.Fatalf("--%s is a %s: give three values of it to samples", flag.Name, v)
	return nil
}

// commandLine chooses a command and gives it what it can't do without, but for
// one flag.
func commandLine(t *testing.T, leaf *kong.Node, but *kong.Flag) (args []string) {
	t.Helper()
	args = commandPath(leaf)
	for _, p := range leaf.Positional {
		if p.Required {
			args = append(args, "x")
		}
	}
	for _, f := range leaf.Flags {
		if f.Required && f.Name != but.Name {
			args = append(args, "--"+f.Name+"="+samplesOf(t, f)[0])
		}
	}
	return args
}

// Every flag of every command: the command line wins over the variable, that
// over the file, and that over the default, whichever of them there are.
func TestPrecedenceOfEveryFlag(t *testing.T) {
	elsewhere(t)
	parser, _ := newParser(new(cli))
	tried := 0
	for _, leaf := range parser.Model.Leaves(false) {
		for _, flag := range leaf.Flags {
			if settable(flag) {
				tried++
				t.Run(strings.Join(append(commandPath(leaf), flag.Name), " "), func(t *testing.T) { precedence(t, leaf, flag) })
			}
		}
	}
	if tried < 40 {
		t.Errorf("only %d flags", tried)
	}
}

func precedence(t *testing.T, leaf *kong.Node, flag *kong.Flag) {
	values := samplesOf(t, flag)
	base := commandLine(t, leaf, flag)
	file := "# below the command\n"
	for i, name := range commandPath(leaf) {
		file += strings.Repeat("  ", i) + name + ":\n"
	}
	file += strings.Repeat("  ", len(commandPath(leaf))) + flag.Name + ": " + values[2] + "\n"
	inFile := fmt.Sprintf("file %s:%d", defaultConfig, strings.Count(file, "\n"))
	for there := range 8 {
		byFlag, byVariable, byFile := there&1 != 0, there&2 != 0, there&4 != 0
		if byVariable && len(flag.Envs) == 0 || flag.Required && !byFlag && !byVariable && !byFile {
			continue
		}
		args, text := slices.Clone(base), "{}\n"
		want, from := "", "default"
		if byFile {
			text, want, from = file, values[2], inFile
		}
		writeConfig(t, text)
		if byVariable {
			t.Setenv(flag.Envs[0], values[1])
			want, from = values[1], "variable "+flag.Envs[0]
		}
		if byFlag {
			args = append(args, "--"+flag.Name+"="+values[0])
			want, from = values[0], "flag --"+flag.Name
		}
		got, source := parse(args...).got(t, flag.Name)
		if source != from {
			t.Errorf("flag %t, variable %t, file %t: it comes from %s, want %s (%s)", byFlag, byVariable, byFile, source, from, got)
		}
		if want != "" && got != sampled(t, flag, want) {
			t.Errorf("flag %t, variable %t, file %t: %s, want %s", byFlag, byVariable, byFile, got, sampled(t, flag, want))
		}
		if byVariable {
			if err := os.Unsetenv(flag.Envs[0]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// sampled is what a value reads as, by kong's own decoder.
func sampled(t *testing.T, flag *kong.Flag, text string) string {
	t.Helper()
	if flag.Tag.Type == "existingdir" { // which is decoded in a step of its own
		return text
	}
	target := reflect.New(flag.Target.Type()).Elem()
	if target.Kind() == reflect.Map {
		target.Set(reflect.MakeMap(target.Type()))
	}
	if target.Kind() == reflect.Pointer {
		target.Set(reflect.New(target.Type().Elem()))
	}
	if err := flag.Parse(kong.Scan().PushTyped(text, kong.FlagValueToken), target); err != nil {
		t.Fatal(err)
	}
	if target.Kind() == reflect.Pointer {
		target = target.Elem()
	}
	return fmt.Sprint(target.Interface())
}
