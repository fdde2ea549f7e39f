//go:build ignore

// A client that ogen generates, used against a real service.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/ogen-go/ogen/ogenerrors"

	client "github.com/ipfs-cluster/pinsvc/sharness/clients/generated/ogen"
)

// token is where the client gets its credentials from.
type token string

func (t token) Bearer(context.Context, client.OperationName) (client.Bearer, error) {
	return client.Bearer{Token: string(t)}, nil
}

func (t token) Basic(context.Context, client.OperationName) (client.Basic, error) {
	return client.Basic{}, ogenerrors.ErrSkipClientSecurity
}

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	one, two, three := os.Args[1], os.Args[2], os.Args[3]
	endpoint := os.Getenv("SERVICE_ENDPOINT")
	c, err := client.NewClient(endpoint, token(os.Getenv("SERVICE_TOKEN")))
	check(err == nil, "client", err)
	stranger, err := client.NewClient(endpoint, token("nonsense"))
	check(err == nil, "client", err)

	meta := map[string]string{"made by": "ogen", "a&b": "c=d,e"}
	added, err := c.AddPin(ctx, &client.NewPin{
		Cid: one, Name: client.NewOptNilString("generated"), Meta: client.NewOptNilNewPinMeta(meta),
	})
	pin, ok := added.(*client.PinStatus)
	check(err == nil && ok && string(pin.Requestid) == one, "add", err, added)
	added, err = c.AddPin(ctx, &client.NewPin{Cid: two})
	_, ok = added.(*client.PinStatus)
	check(err == nil && ok, "add", err, added)

	list, err := c.ListPins(ctx, client.ListPinsParams{
		Meta: client.NewOptNilFilterMeta(meta), Status: []client.Status{"queued", "pinning", "pinned", "failed"},
	})
	results, ok := list.(*client.PinResults)
	check(err == nil && ok && results.Count == 1 && string(results.Results[0].Requestid) == one, "list by meta", err, list)
	list, err = c.ListPins(ctx, client.ListPinsParams{Cid: []string{one, two}})
	results, ok = list.(*client.PinResults)
	check(err == nil && ok && results.Count == 2, "list by CID", err, list)

	replaced, err := c.ReplacePin(ctx, &client.NewPin{Cid: three}, client.ReplacePinParams{Requestid: one})
	_, ok = replaced.(*client.PinStatus)
	check(err == nil && ok, "replace", err, replaced)
	got, err := c.GetPin(ctx, client.GetPinParams{Requestid: one})
	_, ok = got.(*client.NotFound)
	check(err == nil && ok, "the old pin is gone", err, got)
	got, err = c.GetPin(ctx, client.GetPinParams{Requestid: three})
	pin, ok = got.(*client.PinStatus)
	check(err == nil && ok && len(pin.Delegates) > 0, "get", err, got)

	bad, err := c.AddPin(ctx, &client.NewPin{Cid: "nonsense"})
	_, ok = bad.(*client.BadRequest)
	check(err == nil && ok, "bad CID", err, bad)
	denied, err := stranger.ListPins(ctx, client.ListPinsParams{})
	_, ok = denied.(*client.UnauthorizedHeaders)
	check(err == nil && ok, "without a token", err, denied)
	for _, id := range []string{two, three} {
		deleted, err := c.DeletePin(ctx, client.DeletePinParams{Requestid: id})
		_, ok := deleted.(*client.DeletePinAccepted)
		check(err == nil && ok, "delete", err, deleted)
	}
	fmt.Println("passed: ogen")
}

func check(ok bool, what string, details ...any) {
	if !ok {
		log.Fatalf("%s: %+v", what, details)
	}
}
