//go:build unix

package clients

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/florinpay/florin/test/florin"
)

// TestReadme runs every curl command of the READMEs, in order, against one
// server each. "pi_..." stands for the last PaymentIntent that was made.
func TestReadme(t *testing.T) {
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile("../../" + name)
			if err != nil {
				t.Fatal(err)
			}
			c := caller{t, florintest.Start(t, florintest.Options{})}
			intent, ran := "", 0
			for _, words := range curlCommands(string(text)) {
				r := c.run(words, intent)
				ran++
				if strings.Contains(strings.Join(words, " "), "chargeDeclined") {
					r.is(http.StatusPaymentRequired, map[string]any{"error.type": "card_error"})
					continue
				}
				r.is(http.StatusOK, nil)
				switch r.str("object") {
				case "payment_intent":
					intent = r.str("id")
					if status := r.str("status"); status != "succeeded" && status != "requires_capture" {
						t.Errorf("%s: the intent is %s", words, status)
					}
				case "list":
					if r.at("data.0") == nil {
						t.Errorf("%s: the list is empty", words)
					}
				}
			}
			if ran < 5 {
				t.Errorf("%d commands were found, which can't be all", ran)
			}
			finish(t, c.s)
		})
	}
}

// curlCommands finds the curl commands in the shell examples of a text.
func curlCommands(text string) (list [][]string) {
	for n, block := range strings.Split(text, "```") {
		code, ok := strings.CutPrefix(block, "sh\n")
		if n%2 == 0 || !ok {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(code, "\\\n", " ")) {
			if words := shellWords(line); len(words) > 0 && words[0] == "curl" {
				list = append(list, words)
			}
		}
	}
	return list
}

// shellWords splits a line at spaces outside of double quotes.
func shellWords(line string) (words []string) {
	quoted := false
	for part := range strings.SplitSeq(strings.TrimSpace(line), `"`) {
		if quoted && len(words) > 0 {
			words[len(words)-1] += part
		} else {
			fields := strings.Fields(part)
			if strings.HasSuffix(part, " ") {
				fields = append(fields, "") // the quoted part that follows is a word of its own
			}
			words = append(words, fields...)
		}
		quoted = !quoted
	}
	return words
}

// run does what a curl command would do.
func (c caller) run(words []string, intent string) *reply {
	c.t.Helper()
	var path, key string
	var data []string
	method, header := http.MethodGet, map[string]string{}
	for i := 1; i < len(words); i++ {
		word, value := words[i], ""
		if strings.HasPrefix(word, "-") && i+1 < len(words) {
			i++
			value = words[i]
		}
		switch word {
		case "-u":
			key = strings.TrimSuffix(strings.ReplaceAll(value, "$FLORIN_SECRET_KEY", c.s.SecretKey), ":")
		case "-d":
			method, header["Content-Type"] = http.MethodPost, "application/x-www-form-urlencoded"
			data = append(data, strings.ReplaceAll(value, "pi_...", intent))
		case "-H":
			name, value, _ := strings.Cut(value, ": ")
			header[name] = value
		default:
			at, ok := strings.CutPrefix(word, "http://localhost:8420")
			if !ok || path != "" {
				c.t.Fatalf("%q in %q is not understood", word, words)
			}
			path = strings.ReplaceAll(at, "pi_...", intent)
		}
	}
	return c.ask(key, method, path, strings.Join(data, "&"), header)
}
