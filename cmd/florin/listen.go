package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/florinpay/florin/internal/app"
)

// listeners opens the public address, and the private one if there is one.
func (s *serveCommand) listeners() (public, private net.Listener, err error) {
	if public, err = net.Listen("tcp", s.Listen); err != nil {
		return nil, nil, fmt.Errorf("--listen: %w", err)
	}
	if s.AdminListen != "" {
		if private, err = net.Listen("tcp", s.AdminListen); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("--admin-listen: %w", err), public.Close())
		}
	}
	return public, private, nil
}

func closeListener(ln net.Listener) error {
	if ln == nil {
		return nil
	}
	return ln.Close()
}

// serveBoth serves until ctx ends, to those who run Florin until the last
// payment is finished. If they can't be served, payments go on.
func serveBoth(ctx context.Context, a *app.App, public, private net.Listener, log *slog.Logger) error {
	if private == nil {
		return a.Serve(ctx, public)
	}
	last, stop := context.WithCancel(context.WithoutCancel(ctx))
	var looking sync.WaitGroup
	looking.Go(func() {
		if err := a.ServeAdmin(last, private); err != nil {
			log.Error("nothing is served on --admin-listen any more", "error", err)
		}
	})
	err := a.Serve(ctx, public)
	stop()
	looking.Wait()
	return err
}

// exposed says what others can do who reach the addresses, where that is not
// plainly meant.
func exposed(public, private net.Listener, tls bool) (risks []string) {
	if address, ok := reachable(public); ok && !tls {
		risks = append(risks, "listening on "+address+" without TLS: API keys and answers can be read on their way. Card numbers are refused unless they come from this machine or through a trusted proxy that says https. Use --tls-cert and --tls-key, or put a TLS proxy in front and name it with --trusted-proxies")
	}
	if private != nil {
		if address, ok := reachable(private); ok {
			risks = append(risks, "metrics, profiles and jobs are open to whoever reaches "+address+": let only your own monitoring in")
		}
	}
	return risks
}

// reachable gives a listener's address, and whether other machines may reach it.
func reachable(ln net.Listener) (address string, yes bool) {
	at, ok := ln.Addr().(*net.TCPAddr)
	return ln.Addr().String(), !ok || !at.IP.IsLoopback()
}

// urlOf is an address as one would type it here.
func urlOf(scheme string, address net.Addr) string {
	host, port, err := net.SplitHostPort(address.String())
	if ip, bad := netip.ParseAddr(host); err == nil && bad == nil && (ip.IsUnspecified() || ip == netip.AddrFrom4([4]byte{127, 0, 0, 1})) {
		return scheme + "://localhost:" + port
	}
	return scheme + "://" + address.String()
}
