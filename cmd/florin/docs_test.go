package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/app"
	"github.com/florinpay/florin/internal/core/merchant"
)

const operating = "../../docs/operating.md"

// The tables of the guide are made from the flags: with FLORIN_UPDATE=1 this
// test writes them anew.
func TestTheGuideListsEverySetting(t *testing.T) {
	update := os.Getenv("FLORIN_UPDATE") != ""
	path, err := filepath.Abs(operating)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere(t)
	parser, _ := newParser(new(cli))
	for heading, table := range map[string]string{
		"| Flag | Variable | In the file | Default | Commands | |\n|---|---|---|---|---|---|\n": settingsTable(parser.Model),
		"| Flag | Default | Commands | |\n|---|---|---|---|\n":                                  flagsTable(parser.Model),
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, ok := strings.Cut(string(text), heading)
		if !ok {
			t.Fatalf("%s has no table that begins with\n%s", operating, heading)
		}
		old := ""
		for line := range strings.Lines(rest) {
			if !strings.HasPrefix(line, "|") {
				break
			}
			old += line
		}
		if diff := cmp.Diff(strings.Split(old, "\n"), strings.Split(table, "\n")); diff != "" && !update {
			t.Errorf("%s is not in step with the flags (FLORIN_UPDATE=1 go test ./cmd/florin -run TestTheGuide writes it): −it +flags\n%s", operating, diff)
		}
		if update {
			if err := os.WriteFile(path, []byte(before+heading+table+strings.TrimPrefix(rest, old)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// rows are the lines of a table. What is the same in several commands stands
// once, as the first of them puts it.
type rows struct {
	order    []string
	text     map[string]string
	commands map[string][]string
}

func (r *rows) add(same, command, row string) {
	if r.text == nil {
		r.text, r.commands = map[string]string{}, map[string][]string{}
	}
	if r.text[same] == "" {
		r.order = append(r.order, same)
		r.text[same] = row
	}
	r.commands[same] = append(r.commands[same], "`"+command+"`")
}

// table puts the commands in the place of a mark.
func (r *rows) table() string {
	var b strings.Builder
	for _, same := range r.order {
		commands := slices.Compact(r.commands[same])
		b.WriteString(strings.Replace(r.text[same], "COMMANDS", strings.Join(commands, ", "), 1) + "\n")
	}
	return b.String()
}

// settingsTable has a row for each flag with a variable.
func settingsTable(model *kong.Application) string {
	var all rows
	config := flagOf(model.Node, "config")
	first := fmt.Sprintf("| `--config` | `%s` | | | all | %s |\n", config.Envs[0], config.Help)
	for _, leaf := range model.Leaves(false) {
		for _, flag := range leaf.Flags {
			if !settable(flag) || len(flag.Envs) == 0 {
				continue
			}
			inFile := flag.Name
			if !shared(flag) {
				inFile = strings.Join(append(commandPath(leaf), flag.Name), ": ")
			}
			all.add(inFile, commandPath(leaf)[0], fmt.Sprintf("| %s | `%s` | `%s` | %s | COMMANDS | %s |", written(flag), flag.Envs[0], inFile, byDefault(flag), flag.Help))
		}
	}
	return first + all.table()
}

// flagsTable has a row for each flag without one.
func flagsTable(model *kong.Application) string {
	var all rows
	first := "| `--print-config` | | all | " + flagOf(model.Node, "print-config").Help + " |\n"
	for _, leaf := range model.Leaves(false) {
		for _, flag := range leaf.Flags {
			if settable(flag) && len(flag.Envs) == 0 {
				all.add(flag.Name+flag.Help, strings.Join(commandPath(leaf), " "), fmt.Sprintf("| %s | %s | COMMANDS | %s |", written(flag), byDefault(flag), flag.Help))
			}
		}
	}
	return first + all.table()
}

func written(flag *kong.Flag) string {
	if flag.Tag.Negatable != "" {
		return "`--[no-]" + flag.Name + "`"
	}
	return "`--" + flag.Name + "`"
}

func byDefault(flag *kong.Flag) string {
	if flag.Default == "" {
		return ""
	}
	return "`" + flag.Default + "`"
}

// The example of the guide is a file that Florin takes.
func TestTheExampleOfTheGuide(t *testing.T) {
	text, err := os.ReadFile(operating)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```yaml\n")
	example, _, ended := strings.Cut(rest, "```\n")
	if !ok || !ended {
		t.Fatalf("%s has no example", operating)
	}
	elsewhere(t)
	if err := os.WriteFile(defaultConfig, []byte(example), 0o644); err != nil {
		t.Fatal(err)
	}
	for command, flag := range map[string]string{"serve": "sandbox", "sandbox": "book", "verify": "json", "migrate": "db", "key list": "db"} {
		if value, from := parse(strings.Fields(command)...).got(t, flag); !strings.HasPrefix(from, "file ") {
			t.Errorf("%s: %s is %s from %s", command, flag, value, from)
		}
	}
}

// The guide lists what restricted keys can be admitted to, in order.
func TestTheGuideListsEveryResource(t *testing.T) {
	text, err := os.ReadFile(operating)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "| Resource | Operations | In answers |\n|---|---|---|\n")
	if !ok {
		t.Fatalf("%s has no table of resources", operating)
	}
	var listed []string
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(line, "|")
		name := strings.Trim(cells[1], " `")
		listed = append(listed, name)
		for _, permission := range strings.Split(strings.TrimSpace(cells[3]), ", ") {
			permission = strings.Trim(permission, "`")
			access := permission[strings.LastIndexByte(permission, '_')+1:]
			got, err := merchant.ParsePermissions([]string{permission})
			if want := name + "=" + access; err != nil || got.String() != want {
				t.Errorf("%s is said to be %s: %v %v", permission, want, got, err)
			}
		}
	}
	if diff := cmp.Diff(app.Resources(), listed); diff != "" {
		t.Error(diff)
	}
}
