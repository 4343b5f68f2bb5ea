package proxy

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"mqtt/internal/faults"
)

// mostWords is the size of the largest request body, in bytes.
const mostWords = 64 << 10

// Control returns a handler with which a running proxy is controlled:
//
//	GET /connections         a JSON array of Info
//	DELETE /connections/ID   cuts a connection
//	GET /faults              the fault words as plain text, empty if there are none
//	PUT /faults              sets the words of the body
//	DELETE /faults           ends all faults
//
// It refuses requests for a host name, which a web page could make lead here, except localhost.
func (p *Proxy) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /connections", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(p.Connections())
	})
	mux.HandleFunc("DELETE /connections/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
		if err != nil || !p.Cut(id) {
			http.Error(w, "there is no connection "+strconv.Quote(r.PathValue("id")), http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if plan := p.Faults(); plan != nil {
			io.WriteString(w, plan.String()+"\n")
		}
	})
	mux.HandleFunc("PUT /faults", p.putFaults)
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) {
		p.SetFaults(nil)
		w.WriteHeader(http.StatusNoContent)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !localName(r.Host) {
			http.Error(w, "this address is for requests to an IP address or localhost", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (p *Proxy) putFaults(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostWords))
	if large := new(http.MaxBytesError); errors.As(err, &large) {
		http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		return // the client has gone
	}
	plan, err := faults.Parse(string(b))
	if err != nil {
		http.Error(w, err.Error()+" (mqtt help faults lists the words; DELETE ends all faults)", http.StatusBadRequest)
		return
	}
	p.SetFaults(plan)
	w.WriteHeader(http.StatusNoContent)
}

// localName reports whether the host of a request is an address, localhost, or no name at all.
func localName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || host == "" || strings.EqualFold(host, "localhost") || strings.EqualFold(host, "unix")
}
