package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func lines(args []string) error {
	w := bufio.NewWriter(os.Stdout)
	for i := range number(args) {
		fmt.Fprintf(w, "line %06d\n", i)
	}
	return w.Flush()
}

func say(args []string) error {
	for _, line := range args {
		fmt.Println(line)
	}
	return nil
}

func ticks(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	tick := time.NewTicker(time.Duration(max(1, number(args))) * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		if _, err := fmt.Printf("tick %06d\n", i); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			fmt.Println("last tick")
			return nil
		}
	}
}

// flood prints a megabyte every 10 ms, as far as it is let.
func flood(args []string) error {
	chunk := bytes.Repeat([]byte("0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 abcdefghijklmnopqrstuv\n"), 10_000)
	end := time.After(time.Duration(number(args)) * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stdout.Write(chunk); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-end:
			return nil
		}
	}
}
