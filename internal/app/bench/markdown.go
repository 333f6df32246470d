package bench

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Section is a part of a Markdown file that is between two lines,
// "<!-- bench NAME -->" and "<!-- /bench NAME -->".
type Section struct{ File, Name string }

// split gives what is before and after the inside of the section.
func (s Section) split() (before, after string, err error) {
	text, err := os.ReadFile(s.File)
	if err != nil {
		return "", "", err
	}
	begin, end := "<!-- bench "+s.Name+" -->\n", "<!-- /bench "+s.Name+" -->"
	before, rest, found := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", "", fmt.Errorf("%s has no place for the table: want the lines %s and %s", s.File, strings.TrimSpace(begin), end)
	}
	return before + begin, end + after, nil
}

// Check reports whether the section is there.
func (s Section) Check() error {
	_, _, err := s.split()
	return err
}

// Write puts the figures in the place of what the section has.
func (s Section) Write(series *Series) error { return s.put(series.markdown()) }

func (s Section) put(text string) error {
	before, after, err := s.split()
	if err != nil {
		return err
	}
	temporary := s.File + ".new"
	if err := os.WriteFile(temporary, []byte(before+text+after), 0o644); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return os.Rename(temporary, s.File)
}

// markdown is a table of the figures under the machine, the commit and the
// command, without which they mean nothing.
func (s *Series) markdown() string {
	var b strings.Builder
	r := s.Runs[0]
	fmt.Fprintf(&b, "\n%s. %s; %s.\n\n    %s\n\n", s.title(), r.Started.Format("2 January 2006"), r.Machine.text(), r.Command)
	b.WriteString("| | median | lowest | highest |\n|---|---|---|---|\n")
	for _, f := range s.Figures {
		fmt.Fprintf(&b, "| %s | %.*f | %.*f | %.*f |\n", f.Name, f.Decimals, f.Median, f.Decimals, f.Lowest, f.Decimals, f.Highest)
	}
	for _, p := range s.problems() {
		fmt.Fprintf(&b, "\n%s.\n", strings.TrimSuffix(p, "."))
	}
	if s.OK() {
		b.WriteString("\nAfter each run the clients, Florin, the sandbox and `florin verify` agreed.\n")
	}
	return b.String() + "\n"
}

// text is the machine in words.
func (m *Machine) text() string {
	parts := []string{fmt.Sprintf("%d × %s, %s/%s", m.Processors, m.Processor, m.OS, m.Arch)}
	if m.Kernel != "" {
		parts[0] += " " + m.Kernel
	}
	if m.Memory > 0 {
		parts = append(parts, fmt.Sprintf("%.0f GiB", float64(m.Memory)/(1<<30)))
	}
	if m.FileSystem != "" {
		parts = append(parts, m.FileSystem)
	}
	return strings.Join(parts, ", ")
}

// title says what was measured.
func (r *Report) title() string {
	on, loop := r.Database, "a closed loop"
	if on == "" {
		on = "a server that ran already"
	}
	if r.Open != nil {
		loop = fmt.Sprintf("an open loop of %d a second", r.Open.Rate)
	}
	merchants := "one merchant"
	if r.Merchants > 1 {
		merchants = fmt.Sprintf("%d merchants", r.Merchants)
		if r.Hot > 0 {
			merchants += fmt.Sprintf(", one with %d %%", r.Hot)
		}
	}
	text := fmt.Sprintf("florin %s, %s, mix %s, %d clients in %s, %s, %s", r.Florin, on, r.Mix, r.Clients, loop, merchants, time.Duration(r.Seconds*float64(time.Second)).Round(100*time.Millisecond))
	if r.Webhooks != nil {
		text += ", webhooks for " + map[string]string{WebhooksOne: "payments", WebhooksAll: "all events"}[r.Webhooks.Events]
	}
	if r.Filled != nil {
		text += fmt.Sprintf(", %d payments stored before", r.Filled.Before+r.Filled.Stored)
	}
	return text
}
