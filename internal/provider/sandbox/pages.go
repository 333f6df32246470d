package sandbox

import (
	"bytes"
	"context"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
)

const (
	// pagesRoot is where the simulator shows the pages of authentications, and
	// pagesPath where the payer finds them: Florin passes on what comes to
	// /sandbox/pages/ of its own address.
	pagesRoot = "/pages/3ds/"
	pagesPath = "/sandbox" + pagesRoot

	maxForm = 4 << 10 // bytes of a payer's answer
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// words are what a page says, in one language.
type words struct {
	Lang, Title, Explain, Amount, Card, Authorize, Fail, Done, Back, Missing string
}

var (
	english = words{
		Lang: "en", Title: "Test payment page",
		Explain: "This stands for the page of a bank. Nothing is charged.",
		Amount:  "Amount", Card: "Card", Authorize: "Authorize", Fail: "Fail",
		Done: "This authentication has ended.", Back: "Go on", Missing: "There is no such authentication.",
	}
	chinese = words{
		Lang: "zh", Title: "测试支付页面",
		Explain: "此页面代表发卡银行的验证页面，不会产生任何扣款。",
		Amount:  "金额", Card: "银行卡", Authorize: "授权", Fail: "拒绝",
		Done: "此次验证已经结束。", Back: "继续", Missing: "找不到此次验证。",
	}
)

// page is what the template shows.
type page struct {
	words
	Found, Open bool
	Sum, Last4  string
	Return      string
}

// showPage is GET /pages/3ds/{reference}.
func (s *Simulator) showPage(w http.ResponseWriter, r *http.Request) {
	op, found, err := s.authentication(r.PathValue("reference"))
	if err != nil {
		answerError(w, err)
		return
	}
	p := page{words: language(r.Header.Get("Accept-Language")), Found: found}
	status := http.StatusNotFound
	if found {
		status = http.StatusOK
		p.Open, p.Last4, p.Return = op.State == Pending, op.Last4, op.ReturnURL
		if op.Amount > 0 {
			p.Sum = strings.ToUpper(money.New(op.Amount, money.Currency(op.Currency)).String())
		}
	}
	writePage(w, status, p)
}

func writePage(w http.ResponseWriter, status int, p page) {
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, p); err != nil {
		panic(http.ErrAbortHandler) // the template is a good one
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a payer who has gone comes back
}

// choose is POST /pages/3ds/{reference}: the payer's answer, which counts once.
// Then the payer goes back to where the request said.
func (s *Simulator) choose(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	result := r.PostFormValue("result")
	if result != "authorize" && result != "fail" {
		answerRefusal(w, refuse(invalidField, "result", "a result is authorize or fail"))
		return
	}
	op, found, err := s.authentication(r.PathValue("reference"))
	if err == nil && found && op.State == Pending {
		err = s.recordChoice(op, result == "authorize")
	}
	switch {
	case err != nil:
		answerError(w, err)
	case !found:
		writePage(w, http.StatusNotFound, page{words: language(r.Header.Get("Accept-Language"))})
	case op.ReturnURL != "":
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Location", op.ReturnURL)
		w.WriteHeader(http.StatusSeeOther)
	default:
		http.Redirect(w, r, pagesPath+url.PathEscape(op.Reference), http.StatusSeeOther)
	}
}

// authentication finds one that has, or had, a page, as it stands.
func (s *Simulator) authentication(reference string) (Operation, bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), patience)
	defer cancel()
	op, found, err := s.book.Find(ctx, reference)
	if err != nil || !found || op.State != Pending || op.Kind != Authenticate {
		return Operation{}, false, err
	}
	op, err = s.stand(op)
	return op, err == nil, err
}

// recordChoice writes the payer's answer to the book, unless there is one.
func (s *Simulator) recordChoice(op Operation, yes bool) error {
	now := s.clock.Now().Truncate(time.Millisecond)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), patience)
	defer cancel()
	choice := Operation{
		Reference: challengeReference(op.Reference), Kind: Challenge, Original: op.Reference,
		Amount: op.Amount, Currency: op.Currency, State: Declined, Code: codeNotProven, Time: now,
	}
	if yes {
		choice.State, choice.Code = Approved, codeApproved
	}
	choice, _, err := s.book.Apply(ctx, choice.Reference, func(View) (Operation, error) { return choice, nil })
	if err == nil {
		s.announce(settleChallenge(op, choice))
	}
	return err
}

// language picks what an Accept-Language header likes best of what there is.
func language(header string) words {
	best, quality := english, 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, weight, weighted := strings.Cut(part, ";")
		q := 1.0
		if text, ok := strings.CutPrefix(strings.TrimSpace(weight), "q="); weighted && ok {
			q, _ = strconv.ParseFloat(text, 64) // what is no number is not wanted
		}
		main, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if q <= quality {
			continue
		}
		switch main {
		case "zh":
			best, quality = chinese, q
		case "en":
			best, quality = english, q
		}
	}
	return best
}
