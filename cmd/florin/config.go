package main

import (
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// defaultConfig is the configuration file that is read, where there is one,
// when none is named.
const defaultConfig = "florin.yaml"

// settings are what a configuration file says. They are a [kong.Resolver]: kong
// asks it for each flag that is not on the command line. A flag wins over a
// variable, that over the file, and that over the default.
//
// A key at the top of the file is the name of a flag, for every command whose
// flag of that name has the variable of that name: "listen" is FLORIN_LISTEN.
// Below the name of a command stand flags of that command only, by name.
type settings struct {
	file string // "": none was read
	root *section
}

// BeforeResolve reads the configuration file, before kong asks for what it says.
func (c *cli) BeforeResolve(ctx *kong.Context, s *settings) error {
	if node := ctx.Selected(); node == nil || node.Name == "version" {
		return nil
	}
	flag := flagOf(ctx.Model.Node, "config")
	path, named := fmt.Sprint(ctx.FlagValue(flag)), isGiven(ctx, flag) || variable(flag) != ""
	switch {
	case path == "" && named: // by intention, none
		return nil
	case path == "":
		path = defaultConfig
	}
	return s.load(ctx.Model, path, named)
}

func (s *settings) load(model *kong.Application, path string, must bool) error {
	root, open, err := readConfig(path, must)
	if err != nil {
		return err
	}
	s.file, s.root = path, root
	return s.check(model.Node, root, nil, open)
}

// Validate implements [kong.Resolver]; the file has been looked at when it was
// read.
func (s *settings) Validate(*kong.Application) error { return nil }

// Resolve implements [kong.Resolver].
func (s *settings) Resolve(_ *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	// kong lets a resolver win over the environment.
	if s.root == nil || variable(flag) != "" || parent.Node() == nil {
		return nil, nil
	}
	e, ok := s.find(parent.Node(), flag)
	if !ok {
		return nil, nil
	}
	value, err := e.value(flag)
	if err == nil {
		target := reflect.New(flag.Target.Type()).Elem()
		err = flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: kong.Scan().PushTyped(value, kong.FlagValueToken)}, target)
	}
	if err != nil {
		return nil, configFault(s.file, e.line, "%s: %v", flag.Name, err)
	}
	return value, nil
}

// find gives what the file says about a flag of a command.
func (s *settings) find(command *kong.Node, flag *kong.Flag) (entry, bool) {
	at := s.root
	for _, name := range commandPath(command) {
		e := at.entries[name]
		if at = e.below; at == nil {
			break
		}
	}
	if at != nil && at != s.root {
		if e, ok := at.entries[flag.Name]; ok {
			return e, true
		}
	}
	if !shared(flag) {
		return entry{}, false
	}
	e, ok := s.root.entries[flag.Name]
	return e, ok && (e.below == nil || flag.IsMap())
}

// commandPath is the names of a command: "key", "create".
func commandPath(n *kong.Node) (path []string) {
	for ; n != nil && n.Type == kong.CommandNode; n = n.Parent {
		path = append([]string{n.Name}, path...)
	}
	return path
}

// shared reports whether a flag can stand at the top of the file: whether its
// variable is the one that has its name.
func shared(flag *kong.Flag) bool {
	return slices.Contains(flag.Envs, "FLORIN_"+strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_")))
}

// settable reports whether a flag can stand in a file at all.
func settable(flag *kong.Flag) bool { return !slices.Contains(aboutItself, flag.Name) }

// aboutItself are the flags that say what to do with the configuration, or that
// are no configuration.
var aboutItself = []string{"help", "config", "print-config"}

// value spells an entry as a flag's value on the command line.
func (e entry) value(flag *kong.Flag) (any, error) {
	switch {
	case e.below != nil && flag.IsMap():
		var pairs []string
		for _, name := range e.below.names {
			of := e.below.entries[name]
			if of.text == nil {
				return nil, fmt.Errorf("want one value for %s", name)
			}
			pairs = append(pairs, name+"="+*of.text)
		}
		return kong.JoinEscaped(pairs, flag.Tag.MapSep), nil
	case e.below != nil || e.list != nil && !flag.IsSlice():
		return nil, fmt.Errorf("want one value")
	case e.list != nil:
		return kong.JoinEscaped(e.list, flag.Tag.Sep), nil
	}
	return *e.text, nil
}

// check refuses keys that nothing knows, and a file that holds secrets and is
// open to others.
func (s *settings) check(n *kong.Node, at *section, path []string, open fs.FileMode) error {
	for _, name := range at.names {
		e := at.entries[name]
		flag := known(n, name, len(path) == 0)
		if command := commandOf(n, name); command != nil && e.below != nil {
			if err := s.check(command, e.below, append(path, name), open); err != nil {
				return err
			}
			continue
		}
		if flag == nil {
			return configFault(s.file, e.line, "there is no setting %s%s", strings.Join(append(path, name), ": "), hint(n, name, len(path) == 0))
		}
		if _, err := e.value(flag); err != nil {
			return configFault(s.file, e.line, "%s: %v", name, err)
		}
		if open != 0 && e.secret(flag) {
			return configFault(s.file, e.line, "%s is a secret, and others than the file's owner may open it: run chmod 600 %s", name, s.file)
		}
	}
	return nil
}

// known finds a flag of a command by name; at the top, one of any command.
func known(n *kong.Node, name string, top bool) *kong.Flag {
	if !top {
		if flag := flagOf(n, name); flag != nil && settable(flag) {
			return flag
		}
		return nil
	}
	for _, leaf := range n.Leaves(false) {
		if flag := flagOf(leaf, name); flag != nil && shared(flag) {
			return flag
		}
	}
	return nil
}

func flagOf(n *kong.Node, name string) *kong.Flag {
	if i := slices.IndexFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == name }); i >= 0 {
		return n.Flags[i]
	}
	return nil
}

func commandOf(n *kong.Node, name string) *kong.Node {
	if i := slices.IndexFunc(n.Children, func(c *kong.Node) bool { return c.Name == name }); i >= 0 {
		return n.Children[i]
	}
	return nil
}

// hint says what may have been meant by a key that nothing knows.
func hint(n *kong.Node, name string, top bool) string {
	var names []string
	for _, leaf := range n.Leaves(false) {
		if top && flagOf(leaf, name) != nil && settable(flagOf(leaf, name)) {
			return fmt.Sprintf(" at the top: it is one of florin %s, so write it below %s:", strings.Join(commandPath(leaf), " "), strings.Join(commandPath(leaf), ": "))
		}
		for _, flag := range leaf.Flags {
			if top && shared(flag) {
				names = append(names, flag.Name)
			}
		}
	}
	for _, flag := range n.Flags {
		if !top && settable(flag) {
			names = append(names, flag.Name)
		}
	}
	for _, child := range n.Children {
		names = append(names, child.Name)
	}
	if like := nearest(name, names); like != "" {
		return ": did you mean " + like + "?"
	}
	return "; docs/operating.md lists those there are"
}

// variable is the name of the environment variable that sets a flag, if one is
// set. An empty one is set too.
func variable(flag *kong.Flag) string {
	for _, name := range flag.Envs {
		if _, ok := os.LookupEnv(name); ok {
			return name
		}
	}
	return ""
}

// isGiven reports whether a flag stands on the command line.
func isGiven(ctx *kong.Context, flag *kong.Flag) bool {
	return slices.ContainsFunc(ctx.Path, func(p *kong.Path) bool { return p.Flag == flag && !p.Resolved })
}
