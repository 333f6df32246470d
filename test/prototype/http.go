package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
)

// endToEnd puts HTTP around the two steps: a server that takes a form POST,
// calls a card simulator over a socket between the steps, and answers JSON.
type endToEnd struct {
	pay, card *http.Server
	payAddr   string
	cards     chan *wire // idle connections to the simulator
	source    *source
	station   *station
}

// reply is what a caller gets: the size of a payment intent's JSON, about.
type reply struct {
	ID            string            `json:"id"`
	Object        string            `json:"object"`
	Amount        int64             `json:"amount"`
	Currency      string            `json:"currency"`
	Status        string            `json:"status"`
	LatestCharge  string            `json:"latest_charge"`
	Description   string            `json:"description"`
	Metadata      map[string]string `json:"metadata"`
	PaymentMethod string            `json:"payment_method"`
}

// serveEndToEnd starts both servers on loopback and conns connections to the
// card simulator.
func serveEndToEnd(src *source, st *station, conns int) (*endToEnd, error) {
	e := &endToEnd{source: src, station: st, cards: make(chan *wire, conns)}
	cardAddr, err := serve(&e.card, http.HandlerFunc(authorize))
	if err != nil {
		return nil, err
	}
	for range conns {
		w, err := dialWire(cardAddr)
		if err != nil {
			return nil, err
		}
		e.cards <- w
	}
	e.payAddr, err = serve(&e.pay, http.HandlerFunc(e.take))
	return e, err
}

func serve(dst **http.Server, h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := &http.Server{Handler: h}
	*dst = s
	go s.Serve(l) // returns ErrServerClosed at close
	return l.Addr().String(), nil
}

func (e *endToEnd) close(ctx context.Context) error {
	err := errors.Join(e.pay.Close(), e.card.Close())
	for range cap(e.cards) {
		select {
		case w := <-e.cards:
			err = errors.Join(err, w.conn.Close())
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
	return err
}

// authorize is the card simulator: it approves.
func authorize(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("amount") == "" {
		http.Error(w, `{"error":"bad form"}`, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"result":"approved","reference":%q}`, r.PostForm.Get("reference"))
}

// take is one payment.
func (e *endToEnd) take(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if _, err := strconv.ParseInt(r.PostForm.Get("amount"), 10, 64); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p := e.source.draw()
	job := &work{done: make(chan struct{}, 1)}
	err := p.ride(e.station, job, func() error { return e.charge(p) })
	if err != nil && !errors.Is(err, errRefused) {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	status := "succeeded"
	if err != nil {
		status = "requires_payment_method"
	}
	w.Header().Set("Content-Type", "application/json")
	err = json.NewEncoder(w).Encode(reply{ID: "pi_" + strconv.FormatInt(p.intent, 36), Object: "payment_intent",
		Amount: p.amount, Currency: "usd", Status: status, LatestCharge: "ch_" + strconv.FormatInt(p.charge, 36),
		Description: string(p.intentData[:len(p.intentData)/2]),
		Metadata:    map[string]string{"order": string(p.token)}, PaymentMethod: "pm_card_visa"})
	if err != nil {
		panic(http.ErrAbortHandler) // the caller has gone
	}
}

func (e *endToEnd) charge(p *payment) error {
	c := <-e.cards
	defer func() { e.cards <- c }()
	status, _, err := c.post("/authorize", fmt.Appendf(nil, "amount=%d&reference=%x&card=4242424242424242", p.amount, p.reference))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("card simulator: status %d", status)
	}
	return err
}
