package rest

import (
	"math"
	"time"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
)

var clockRoutes = map[string]route{
	"PostTestHelpersTestClocks":                 {createClock, merchant.TestClocks, merchant.Write},
	"GetTestHelpersTestClocks":                  {listClocks, merchant.TestClocks, merchant.Read},
	"GetTestHelpersTestClocksTestClock":         {retrieveClock, merchant.TestClocks, merchant.Read},
	"PostTestHelpersTestClocksTestClockAdvance": {advanceClock, merchant.TestClocks, merchant.Write},
	"DeleteTestHelpersTestClocksTestClock":      {deleteClock, merchant.TestClocks, merchant.Write},
}

type shownClock struct {
	ID            string         `json:"id"`
	Object        string         `json:"object"`
	Created       int64          `json:"created"`
	DeletesAfter  int64          `json:"deletes_after"`
	FrozenTime    int64          `json:"frozen_time"`
	Livemode      bool           `json:"livemode"`
	Name          any            `json:"name"`
	Status        string         `json:"status"`
	StatusDetails map[string]any `json:"status_details"`
}

func renderClock(v *view, o *object.Object[timeline.Clock]) (any, error) {
	if o.Body.Deleted && !v.past {
		return shownDeleted{timeline.Clocks.ID(o.Scope, o.Key), timeline.Clocks.Name, true}, nil
	}
	out := &shownClock{
		ID: timeline.Clocks.ID(o.Scope, o.Key), Object: timeline.Clocks.Name, Created: o.Created().Unix(),
		DeletesAfter: o.Created().Add(timeline.Lifetime).Unix(), FrozenTime: o.Body.Frozen.Unix(), Livemode: o.Scope.Livemode,
		Name: text(o.Body.Name), Status: "ready", StatusDetails: map[string]any{},
	}
	if o.Body.Advancing() {
		out.Status = "advancing"
		out.StatusDetails["advancing"] = map[string]int64{"target_frozen_time": o.Body.Target.Unix()}
	}
	return out, nil
}

func createClock(s *Server, c *call) (any, error) {
	name, _ := c.form.String("name")
	customer, err := keyOf(c, vault.Customers, "customer")
	if err != nil {
		return nil, err
	}
	return s.Clocks.Create(c.ctx, c.scope, name, frozenTime(c), customer, c.idem)
}

// frozenTime reads the time that a clock is to show. What is beyond the range of
// times stays out of every bound.
func frozenTime(c *call) time.Time {
	unix, _ := c.form.Int64("frozen_time")
	return time.Unix(min(unix, math.MaxInt32*100), 0)
}

func advanceClock(s *Server, c *call) (any, error) {
	key, err := pathKey(c, timeline.Clocks, "test_clock")
	if err != nil {
		return nil, err
	}
	return s.Clocks.Advance(c.ctx, c.scope, key, frozenTime(c), c.idem)
}

func deleteClock(s *Server, c *call) (any, error) {
	key, err := pathKey(c, timeline.Clocks, "test_clock")
	if err != nil {
		return nil, err
	}
	return s.Clocks.Delete(c.ctx, c.scope, key, c.idem)
}

func retrieveClock(s *Server, c *call) (any, error) {
	o, err := named(s, c, timeline.Clocks, "test_clock")
	if err == nil && o.Body.Deleted {
		err = fault.Missing(fault.NotFound, "test_clock", "test clock", clip(c.path["test_clock"]))
	}
	if err != nil {
		return nil, err
	}
	return renderClock(s.view(c), o)
}

func listClocks(s *Server, c *call) (any, error) {
	return listOf(s, c, timeline.Clocks, map[string]any{"deleted": int64(0)}, renderClock)
}
