// What programs in Go do: goroutines, children, files, sockets of the sandbox, timers.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func main() {
	var group sync.WaitGroup
	var lock sync.Mutex
	sum := 0
	for i := 1; i <= 100; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			time.Sleep(time.Millisecond)
			lock.Lock()
			sum += i
			lock.Unlock()
		}(i)
	}
	group.Wait()
	fmt.Println("goroutines", sum)

	// Preempted by a signal, for it never yields.
	go func() {
		for {
		}
	}()
	runtime.GC()

	output, err := exec.Command("/bin/sh", "-c", "echo child").Output()
	fmt.Print("exec ", string(output))
	check(err)

	check(os.WriteFile("a.txt", []byte("text"), 0644))
	from, err := os.Open("a.txt")
	check(err)
	to, err := os.Create("b.txt")
	check(err)
	count, err := io.Copy(to, from)
	fmt.Println("files", count)
	check(err)
	check(os.MkdirAll("x/y", 0755))
	check(os.RemoveAll("x"))

	listener, err := net.Listen("unix", "/tmp/socket")
	check(err)
	go func() {
		connection, err := listener.Accept()
		check(err)
		io.Copy(connection, connection)
		connection.Close()
	}()
	connection, err := net.Dial("unix", "/tmp/socket")
	check(err)
	connection.Write([]byte("echo"))
	buffer := make([]byte, 4)
	_, err = io.ReadFull(connection, buffer)
	check(err)
	fmt.Println("sockets", string(buffer))

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	check(syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	fmt.Println("signals", <-signals)

	blocks := make([][]byte, 0)
	for i := 0; i < 64; i++ {
		blocks = append(blocks, make([]byte, 1<<19))
	}
	fmt.Println("memory", len(blocks))
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
