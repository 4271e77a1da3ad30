package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// do runs commands of web one after the other, each given in one argument, and
// ends with the first that fails.
func do(steps []string) int {
	for _, step := range steps {
		words := strings.Fields(step)
		if len(words) == 0 {
			continue
		}
		run, ok := commands[words[0]]
		if !ok {
			fmt.Fprintln(os.Stderr, "web: unknown command", words[0])
			return 127
		}
		if code := run(words[1:]); code != 0 {
			return code
		}
	}
	return 0
}

// shell is web under the name /bin/sh: of a shell it knows -c and &&.
func shell(args []string) int {
	if len(args) != 2 || args[0] != "-c" {
		fmt.Fprintln(os.Stderr, "sh: only -c is known")
		return 2
	}
	return do(strings.Split(args[1], "&&"))
}

// read prints, as one line of JSON, what is at each path: the text of a file, the
// target of a link, the names in a directory, or an error.
func read(paths []string) int {
	seen := map[string]string{}
	for _, path := range paths {
		text, err := contents(path)
		if err != nil {
			text = err.Error()
		}
		seen[path] = text
	}
	return printJSON(seen)
}

func contents(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	switch {
	case info.Mode()&os.ModeSymlink != 0:
		return os.Readlink(path)
	case info.IsDir():
		names, err := filepath.Glob(path + "/*")
		for i := range names {
			names[i] = filepath.Base(names[i])
		}
		return strings.Join(names, " "), err
	}
	b, err := os.ReadFile(path)
	return string(b), err
}

func printJSON(v any) int {
	if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
		return 1
	}
	return 0
}

// write appends a line to a file.
func write(args []string) int {
	f, err := os.OpenFile(first(args), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err == nil {
		_, err = fmt.Fprintln(f, strings.Join(args[1:], " "))
		f.Close()
	}
	return failed(err)
}

// has fails unless there is something at the path.
func has(args []string) int {
	_, err := os.Stat(first(args))
	return failed(err)
}

// wait waits until there is something at the path.
func wait(args []string) int {
	for has(args) != 0 {
		<-time.After(20 * time.Millisecond)
	}
	return 0
}

// last appends a line to a file when it gets SIGTERM, and exits with 143.
func last(args []string) int {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	fmt.Println("waiting for SIGTERM")
	<-c
	if code := write(args); code != 0 {
		return code
	}
	return 128 + int(syscall.SIGTERM)
}

// get prints what a URL answers.
func get(args []string) int {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(first(args))
	if err != nil {
		return failed(err)
	}
	defer resp.Body.Close()
	_, err = io.Copy(os.Stdout, resp.Body)
	return failed(err)
}

// lines prints N numbered lines, a pause after each.
func lines(args []string) int {
	for i := range number(first(args)) {
		fmt.Println("line", i)
		if slices.Contains(args, "slowly") {
			<-time.After(10 * time.Millisecond)
		}
	}
	return 0
}

// failed prints an error and is the exit code that goes with it.
func failed(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "web:", err)
	return 1
}
