//go:build unix && !probe

package crash
import ("testing";"time";"context";"sync/atomic";"github.com/florinpay/florin/test/florin")
func TestZZ(t *testing.T){
 ctx,c:=context.WithTimeout(t.Context(),time.Minute); defer c()
 box:=florintest.StartSandbox(t, florintest.SandboxOptions{Faults:20,Seed:3})
 s:=florintest.Start(t, florintest.Options{Sandbox: box.URL, Args: []string{timeout}})
 l:=&load{t:t,ctx:ctx,client:newClient(s),tag:"zz"}
 var over atomic.Bool
 done:=make(chan int)
 go func(){l.round(16,func()bool{return !over.Load()}); close(done)}()
 for range 6 { time.Sleep(time.Second); t.Logf("answered %d retried %d journeys %d", l.client.answered.Load(), l.client.retried.Load(), l.journeys) }
 over.Store(true); <-done
}
