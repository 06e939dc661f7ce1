// net/http of Go, without a framework, on one core: it prints its port and exits at the end of its input.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
)

func main() {
	runtime.GOMAXPROCS(1)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "Hello, world!")
	})
	http.HandleFunc("/json", func(w http.ResponseWriter, r *http.Request) {
		send(w, map[string]string{"message": "Hello, world!"})
	})
	http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		var order struct {
			Code  string  `json:"code"`
			Name  string  `json:"name"`
			Price float64 `json:"price"`
			Lots  []int   `json:"lots"`
			Note  string  `json:"note"`
		}
		if json.NewDecoder(r.Body).Decode(&order) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		send(w, order)
	})
	files := http.FileServer(http.Dir(filepath.Join(os.Args[1], "files")))
	http.Handle("/files/", http.StripPrefix("/files/", files))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	panic(http.Serve(listener, nil))
}

func send(w http.ResponseWriter, value any) {
	content, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(content)
}
