package modem

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A soak lost one received text in two thousand: a list that was read between the right to delete a slot and the deletion told the
// message once more, and that one's deletion met what had come to lie in the slot meanwhile.
func TestASlotIsDeletedOnceThoughItIsListedWhileItsDeletionWaits(t *testing.T) {
	s := plainModem(map[string]string{
		"AT+CMGR=1": "+CMGR: 0,,30\n" + aPDU, "AT+CMGD=1": "OK", "AT+CPMS=?": `+CPMS: ("ME"),("ME"),("ME")`,
	})
	opened(t, Config{}, s, func(t *testing.T, m *Modem, err error) {
		if err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		s.answers["AT+CMGL=4"] = []string{"-", "OK"}
		s.mu.Unlock()
		s.say("+CMTI: \"ME\",1\n-")
		e := next(t, m)
		drained, acked := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := m.Drain(context.Background())
			drained <- err
		}()
		synctest.Wait() // the list is asked for
		go func() { acked <- m.Acknowledge(context.Background(), e) }()
		synctest.Wait()
		s.say("+CMGL: 1,1,,30\n" + aPDU)
		if err := <-drained; err != nil {
			t.Error(err)
		}
		if err := <-acked; err != nil {
			t.Error(err)
		}
		for quiet := time.After(time.Minute); quiet != nil; {
			select {
			case again := <-m.Events():
				if err := m.Acknowledge(context.Background(), again); err != nil {
					t.Error(err)
				}
			case <-quiet:
				quiet = nil
			}
		}
		if n := s.count("AT+CMGD=1"); n != 1 {
			t.Errorf("the slot was deleted %d times", n)
		}
	})
}

func TestOfTwoAcknowledgementsThatWaitForTheMemoryOneDeletes(t *testing.T) {
	s := plainModem(map[string]string{"AT+CMGR=1": "+CMGR: 0,,30\n" + aPDU, "AT+CMGD=1": "OK"})
	opened(t, Config{}, s, func(t *testing.T, m *Modem, err error) {
		if err != nil {
			t.Fatal(err)
		}
		s.say("+CMTI: \"ME\",1\n-")
		e := next(t, m)
		m.memory.turn <- struct{}{}
		acked := make(chan error, 2)
		for range 2 {
			go func() { acked <- m.Acknowledge(context.Background(), e) }()
		}
		synctest.Wait()
		<-m.memory.turn
		for range 2 {
			if err := <-acked; err != nil {
				t.Error(err)
			}
		}
		if n := s.count("AT+CMGD=1"); n != 1 {
			t.Errorf("the slot was deleted %d times", n)
		}
	})
}
