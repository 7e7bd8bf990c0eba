package modem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// maxDescriptor: go.bug.st/serial waits by select(2), whose sets end at 1024; a port above that panics in Read.
const maxDescriptor = 1000

// openPort opens a path or tcp://host:port for ourselves alone.
func openPort(ctx context.Context, name string, baud int) (io.ReadWriteCloser, error) {
	if name == "" {
		return nil, fmt.Errorf("%w: no port is named; give a path such as /dev/serial/by-id/... or tcp://host:port", ErrPortMissing)
	}
	if address, ok := strings.CutPrefix(name, "tcp://"); ok {
		conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("%w: %s can't be reached (%v); is the serial server there, and the port number right?", ErrPortMissing, name, bare(err))
		}
		return conn, nil
	}
	return openSerial(ctx, name, baud)
}

// bare leaves out what an error says twice.
func bare(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// serialPort is a serial port and what keeps others off it. It is read by one goroutine and written by one (see package at), each
// Write is one system call, and none begins after Close: go.bug.st/serial would write into whatever file has the descriptor then.
type serialPort struct {
	serial.Port
	lock *lock
}

func openSerial(ctx context.Context, path string, baud int) (io.ReadWriteCloser, error) {
	l, err := lockPort(ctx, path)
	if err != nil {
		return nil, err
	}
	if l.fd > maxDescriptor {
		l.release()
		return nil, fmt.Errorf("%w: this process has too many files open (descriptor %d) to wait for %s; lower its connection limit or LimitNOFILE to %d",
			ErrPortForbidden, l.fd, path, maxDescriptor)
	}
	if baud == 0 {
		baud = 115200
	}
	p, err := serial.Open(path, &serial.Mode{BaudRate: baud})
	if err != nil {
		l.release()
		var pe *serial.PortError
		switch {
		case errors.As(err, &pe) && pe.Code() == serial.PortBusy:
			return nil, busy(path)
		case errors.As(err, &pe) && pe.Code() == serial.InvalidSpeed:
			return nil, fmt.Errorf("%w: %s does not know %d baud; 115200 suits most modems", ErrNotAModem, path, baud)
		case errors.As(err, &pe) && pe.Code() != serial.PermissionDenied:
			return nil, fmt.Errorf("%w: %s is no serial port (%v)", ErrNotAModem, path, err)
		}
		return nil, explain(path, err)
	}
	// DTR up, for a modem at AT&D2 is deaf or hangs up without it; a pty has none, and does not mind.
	_ = p.SetDTR(true)
	_ = p.SetRTS(true)
	return &serialPort{p, l}, nil
}

// Read turns the panic of a descriptor beyond select's sets into an error.
func (p *serialPort) Read(b []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, fmt.Errorf("too many files are open to wait for the port: %v", r)
		}
	}()
	n, err = p.Port.Read(b)
	var pe *serial.PortError
	if errors.As(err, &pe) && pe.Code() == serial.PortClosed {
		err = errors.New("unplugged or reset")
	}
	return n, err
}

func (p *serialPort) Close() error {
	err := p.Port.Close()
	p.lock.release()
	return err
}

// explain puts what the system says of a path into words that say what to do.
func explain(path string, err error) error {
	switch {
	case errors.Is(err, unix.EBUSY):
		return busy(path)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return fmt.Errorf("%w: %s does not exist; is the modem plugged in? ls -l /dev/serial/by-id shows what is there", ErrPortMissing, path)
	case errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV), errors.Is(err, unix.EIO):
		return fmt.Errorf("%w: the device behind %s is gone (%v); unplug it and plug it in again", ErrPortMissing, path, err)
	case errors.Is(err, unix.EPERM): // the device filter of a control group says so, not the rights of the node: those are EACCES
		return fmt.Errorf("%w: the system keeps this service off %s, whatever its group (EPERM): its unit's DeviceAllow= did not know the driver when it started; "+
			"systemctl restart attestd, and use the shipped unit, which loads the drivers first", ErrPortForbidden, path)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: no permission to open %s; add the user of this service to the group that owns it (dialout)", ErrPortForbidden, path)
	}
	return fmt.Errorf("%w: %s can't be opened (%v)", ErrPortMissing, path, err)
}
