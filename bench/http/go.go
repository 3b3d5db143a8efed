package main

// The responder in Go: a goroutine for each connection. Written again from
// http.c, as a call through cgo costs what a request does, and is taken for a
// call that blocks: heavy requests would be told apart.

import (
    "bytes"
    "flag"
    "fmt"
    "net"
    "os"
    "runtime"
)

const (
    input  = 1024
    least  = 18
    answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" +
        "Content-Length: 13\r\n\r\nHello, world\n"
)

var (
    blank = []byte("\r\n\r\n")
    start = []byte("GET /")
    text  = bytes.Repeat([]byte(answer), input/least)
    steps = flag.Uint64("spin", 1, "steps of a microsecond")
)

//go:noinline
func spin(n uint64) uint64 {
    x := uint64(88172645463325252)
    for ; n > 0; n-- {
        x ^= x << 13
        x ^= x >> 7
        x ^= x << 17
    }
    return x
}

// The length of the first request after its work, 0 where it is not whole, -1
// where it is none of ours.
func next(in []byte) int {
    if len(in) < least {
        return 0
    }
    if !bytes.HasPrefix(in, start) {
        return -1
    }
    end := bytes.Index(in, blank)
    if end < 0 {
        if len(in) == input {
            return -1
        }
        return 0
    }
    if end+len(blank) < least {
        return -1
    }
    switch in[5] {
    case ' ':
    case 'w':
        spin(100 * *steps)
    case 'h':
        spin(20000 * *steps)
    default:
        return -1
    }
    return end + len(blank)
}

func serve(c net.Conn) {
    defer c.Close()
    in := make([]byte, input)
    have := 0
    for {
        n, err := c.Read(in[have:])
        if err != nil {
            return
        }
        have += n
        from, answers := 0, 0
        for from < have {
            n = next(in[from:have])
            if n < 0 {
                return
            }
            if n == 0 {
                break
            }
            from += n
            answers++
        }
        have = copy(in, in[from:have])
        if answers > 0 {
            if _, err = c.Write(text[:answers*len(answer)]); err != nil {
                return
            }
        }
    }
}

func main() {
    workers := flag.Int("workers", 1, "GOMAXPROCS")
    port := flag.Int("port", 0, "0: any")
    flag.Bool("told", false, "of no use: there is no pool to hand them to")
    flag.Parse()
    runtime.GOMAXPROCS(*workers)
    listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", *port))
    if err != nil {
        fmt.Fprintln(os.Stderr, err)
        os.Exit(3)
    }
    fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
    for {
        // What is accepted has TCP_NODELAY.
        if c, err := listener.Accept(); err == nil {
            go serve(c)
        }
    }
}
