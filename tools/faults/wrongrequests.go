package main

import (
	"fmt"
	"strings"
)

// everywhere puts each input into every place of a request.
func everywhere(inputs []string) []string {
	var out []string
	for _, in := range inputs {
		length := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(in), in)
		out = append(out,
			"GET /pins?"+in+" HTTP/1.1\r\nHost: x\r\nAuthorization: AUTH\r\n\r\n",
			"GET /pins/"+in+" HTTP/1.1\r\nHost: x\r\nAuthorization: AUTH\r\n\r\n",
			"DELETE /pins/"+in+" HTTP/1.1\r\nHost: x\r\nAuthorization: AUTH\r\n\r\n",
			"GET /"+in+" HTTP/1.1\r\nHost: x\r\nAuthorization: AUTH\r\n\r\n",
			"POST /pins HTTP/1.1\r\nHost: x\r\nAuthorization: AUTH\r\n"+length,
			"POST /pins/bafkqaaa HTTP/1.1\r\nHost: x\r\nAuthorization: AUTH\r\n"+length,
			"POST /token HTTP/1.1\r\nHost: x\r\nAuthorization: AUTH\r\n"+length,
			"POST /add HTTP/1.1\r\nHost: x\r\nAuthorization: AUTH\r\nContent-Type: multipart/form-data; boundary=x\r\n"+length,
			"GET /pins HTTP/1.1\r\nHost: x\r\nAuthorization: "+in+"\r\n\r\n",
			"GET /pins HTTP/1.1\r\nHost: "+in+"\r\nAuthorization: AUTH\r\n\r\n",
			"GET /pins HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: "+in+"\r\nOrigin: "+in+"\r\nAuthorization: AUTH\r\n\r\n",
			in+" /pins HTTP/1.1\r\nHost: x\r\n\r\n",
			in,
		)
	}
	return out
}

// wrongRequests are not HTTP, or what servers have fallen over.
func wrongRequests() []string {
	const head = " HTTP/1.1\r\nHost: x\r\nAuthorization: AUTH\r\n"
	lines := func(n int) (b strings.Builder) {
		for i := range n {
			fmt.Fprintf(&b, "X-%d: %d\r\n", i, i)
		}
		return b
	}
	few, many := lines(1000), lines(100_000)
	return []string{
		// The request line.
		"\r\n", "\n", " ", "GET", "GET /", "GET / HTTP/1.1", "GET /pins\r\n\r\n", "GET /pins HTTP/0.9\r\n\r\n",
		"GET /pins HTTP/9.9\r\nHost: x\r\n\r\n", "GET /pins HTTP/1.1.1\r\nHost: x\r\n\r\n", "GET  /pins  HTTP/1.1\r\nHost: x\r\n\r\n",
		"get /pins" + head + "\r\n", "GET\t/pins\tHTTP/1.1\r\nHost: x\r\n\r\n", "G\x00T /pins" + head + "\r\n", "GÉT /pins" + head + "\r\n",
		"OPTIONS *" + head + "\r\n", "GET *" + head + "\r\n", "CONNECT example.com:443" + head + "\r\n", "CONNECT /pins" + head + "\r\n",
		"TRACE /pins" + head + "\r\n", "GET http://[::1" + head + "\r\n", "GET http://example.com/pins" + head + "\r\n",
		"GET " + strings.Repeat("/pins", 20_000) + head + "\r\n", "GET /pins/" + strings.Repeat("../", 5000) + "etc/passwd" + head + "\r\n",
		"GET /pins/" + strings.Repeat("%00", 3000) + head + "\r\n", "GET /pins/" + strings.Repeat("%2F", 3000) + head + "\r\n",
		"GET /pins/" + strings.Repeat("Q", 1<<20) + head + "\r\n", strings.Repeat("A", 4<<20), "GET /pins?" + strings.Repeat("cid=x&", 200_000) + head + "\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 500),
		"\x05\x01\x00", "SSH-2.0-OpenSSH_9\r\n", "* OK IMAP4\r\n", "\x13/multistream/1.0.0\n",
		// Headers.
		"GET /pins" + head + strings.TrimSuffix(few.String(), "\r\n") + "\r\n\r\n", "GET /pins" + head + many.String() + "\r\n",
		"GET /pins" + head + "X: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", "GET /pins" + head + strings.Repeat("x", 1<<20) + ": x\r\n\r\n",
		"GET /pins" + head + "X : y\r\n\r\n", "GET /pins" + head + " folded\r\n\r\n", "GET /pins" + head + ": empty\r\n\r\n",
		"GET /pins" + head + "X: \x00\r\n\r\n", "GET /pins" + head + "X\x7f: y\r\n\r\n", "GET /pins" + head + "X: \xff\xfe\r\n\r\n",
		"GET /pins" + head + "Host: y\r\n\r\n", "GET /pins HTTP/1.1\r\n\r\n", "GET /pins HTTP/1.1\nHost: x\n\n", "GET /pins" + head + "X: a\rb\r\n\r\n",
		"GET /pins" + head + "Authorization: Bearer x\r\n\r\n", "GET /pins" + head + "Connection: close, keep-alive, upgrade\r\nUpgrade: websocket\r\n\r\n",
		"GET /pins" + head + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
		"GET /pins" + head + "Range: bytes=" + strings.Repeat("0-,", 5000) + "\r\n\r\n", "GET /pins" + head + "Expect: 200-maybe\r\n\r\n",
		// Lengths and chunks.
		"POST /pins" + head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}", "POST /pins" + head + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
		"POST /pins" + head + "Content-Length: 2, 3\r\n\r\n{}", "POST /pins" + head + "Content-Length: -1\r\n\r\n{}", "POST /pins" + head + "Content-Length: +2\r\n\r\n{}",
		"POST /pins" + head + "Content-Length: 0x2\r\n\r\n{}", "POST /pins" + head + "Content-Length: 99999999999999999999\r\n\r\n{}",
		"POST /pins" + head + "Content-Length: 9223372036854775807\r\n\r\n{}", "POST /pins" + head + "Content-Length: \r\n\r\n{}",
		"POST /pins" + head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "POST /pins" + head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"POST /pins" + head + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "POST /pins" + head + "Transfer-Encoding: identity\r\n\r\n",
		"POST /pins" + head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", "POST /pins" + head + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
		"POST /pins" + head + "Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n", "POST /pins" + head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
		"POST /pins" + head + "Transfer-Encoding: chunked\r\n\r\n2;" + strings.Repeat("x", 100_000) + "\r\n{}\r\n0\r\n\r\n",
		"POST /pins" + head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\n{\r\n", 50_000), "POST /pins" + head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + few.String() + "\r\n",
		"POST /pins" + head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /pins" + head + "\r\n", "GET /pins" + head + "Content-Length: 4\r\n\r\nbody",
		"POST /pins" + head + "Content-Length: 5000000\r\n\r\n" + strings.Repeat(" ", 5_000_000), "POST /pins" + head + "Content-Length: 10\r\nExpect: 100-continue\r\n\r\n",
		"POST /pins" + head + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00", "HEAD /pins" + head + "\r\n", "PATCH /pins" + head + "\r\n",
		// Many at once.
		strings.Repeat("GET /health HTTP/1.1\r\nHost: x\r\n\r\n", 1000), strings.Repeat("GET /pins"+head+"\r\n", 200), strings.Repeat("GET /pins HTTP/1.1\r\nHost: x\r\n\r\n", 200),
	}
}
