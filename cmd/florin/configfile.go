package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"

	"go.yaml.in/yaml/v3"
)

// maxConfigFile bounds a configuration file, in bytes.
const maxConfigFile = 1 << 20

// configError is a configuration file that can't be used. Its text begins with
// the file and, where there is one, the line.
type configError struct{ text string }

func (e *configError) Error() string { return e.text }

func configFault(file string, line int, format string, args ...any) error {
	where := file
	if line > 0 {
		where = fmt.Sprintf("%s:%d", file, line)
	}
	return &configError{where + ": " + fmt.Sprintf(format, args...)}
}

// section is a part of a configuration file: the file itself, or what stands
// below the name of a command.
type section struct {
	line    int
	names   []string // in the file's order
	entries map[string]entry
}

// entry is what stands at a key: one of text, list and section.
type entry struct {
	line  int
	text  *string
	list  []string
	below *section
}

// parseConfig reads YAML. What a key means is not looked at here, but every
// key has a value, and stands once in its section.
func parseConfig(file string, text []byte) (*section, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		return &section{}, nil // nothing but comments
	} else if err != nil {
		return nil, configFault(file, 0, "%v", err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, configFault(file, 0, "there is more than one document in the file")
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return &section{}, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, configFault(file, root.Line, "want settings, one a line, such as listen: 127.0.0.1:8420")
	}
	return parseSection(file, root, 0)
}

// maxConfigDepth is deeper than commands go.
const maxConfigDepth = 5

func parseSection(file string, n *yaml.Node, depth int) (*section, error) {
	if depth > maxConfigDepth {
		return nil, configFault(file, n.Line, "no command has so many names")
	}
	s := &section{line: n.Line, entries: map[string]entry{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return nil, configFault(file, key.Line, "want the name of a setting")
		}
		name := key.Value
		if before, twice := s.entries[name]; twice {
			return nil, configFault(file, key.Line, "%s stands in line %d already", name, before.line)
		}
		e, err := parseEntry(file, name, key.Line, value, depth)
		if err != nil {
			return nil, err
		}
		s.names = append(s.names, name)
		s.entries[name] = e
	}
	return s, nil
}

func parseEntry(file, name string, line int, n *yaml.Node, depth int) (e entry, err error) {
	e.line = line
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return e, configFault(file, line, "%s has no value; take the line out, or write \"\" for an empty text", name)
		}
		e.text = &n.Value
	case yaml.SequenceNode:
		e.list = []string{}
		for _, part := range n.Content {
			if part.Kind != yaml.ScalarNode {
				return e, configFault(file, part.Line, "%s: want a list of texts", name)
			}
			e.list = append(e.list, part.Value)
		}
	case yaml.MappingNode:
		e.below, err = parseSection(file, n, depth+1)
	default: // an alias, which could make a small file endless
		err = configFault(file, n.Line, "%s: want the value itself", name)
	}
	return e, err
}

// readConfig reads a configuration file, and tells whether others than its
// owner have any right to it. A file that need not be there may be missing.
func readConfig(file string, must bool) (s *section, open fs.FileMode, err error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) && !must {
		return &section{}, 0, nil
	}
	if err != nil {
		return nil, 0, &configError{"the configuration file can't be read: " + err.Error()}
	}
	defer f.Close()
	info, err := f.Stat() // of the open file, so that it can't be swapped in between
	if err == nil && !info.Mode().IsRegular() && info.IsDir() {
		err = errors.New("it is a folder")
	}
	var text []byte
	if err == nil {
		text, err = io.ReadAll(io.LimitReader(f, maxConfigFile+1))
	}
	switch {
	case err != nil:
		return nil, 0, configFault(file, 0, "%v", err)
	case len(text) > maxConfigFile:
		return nil, 0, configFault(file, 0, "the file is larger than %d bytes", maxConfigFile)
	}
	if runtime.GOOS != "windows" { // where these bits tell nothing
		open = info.Mode().Perm() & 0o077
	}
	s, err = parseConfig(file, text)
	return s, open, err
}

// nearest finds the name that is most like what was written, if any is much
// like it.
func nearest(written string, names []string) string {
	best, least := "", max(2, len(written)/3)+1
	for _, name := range names {
		if d := distance(written, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is how many letters must be put in, taken out or changed.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range row {
		row[i] = i
	}
	for i := range len(a) {
		corner := row[0]
		row[0]++
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = slices.Min([]int{row[j] + 1, row[j+1] + 1, change})
		}
	}
	return row[len(b)]
}
