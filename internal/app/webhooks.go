package app

import (
	"context"
	"log/slog"

	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/webhook"
	"github.com/florinpay/florin/internal/medium/hook"
)

// hooks makes the medium that carries webhooks.
func (a *App) hooks(c Config) webhook.Sender {
	client := hook.New(hook.Options{Clock: c.Clock, Dial: c.WebhookDial})
	a.close = append(a.close, func() error {
		client.Close()
		return nil
	})
	return client
}

// notifier tells merchants what they must know by the log, where whoever runs
// Florin reads it.
type notifier struct{ log *slog.Logger }

// EndpointDisabled implements [webhook.Notifier].
func (n notifier) EndpointDisabled(_ context.Context, w webhook.Notice) error {
	n.log.Warn("a webhook endpoint was disabled: every request to it has failed", "account", merchant.Accounts.ID(merchant.Home(w.Account), w.Account), "endpoint", w.ID, "livemode", w.Livemode, "since", w.Failing)
	return nil
}

// noticeKind tells merchants of endpoints that were disabled.
func (a *App) noticeKind() job.Kind {
	return job.Kind{Name: webhook.NoticeJob, Handle: func(ctx context.Context, j job.Job) error {
		var n webhook.Notice
		if err := j.Payload(&n); err != nil {
			return err
		}
		return a.Webhooks.Notifier.EndpointDisabled(ctx, n)
	}}
}
