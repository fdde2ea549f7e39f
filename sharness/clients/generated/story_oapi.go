//go:build ignore

// A client that oapi-codegen generates, used against a real service.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	client "github.com/ipfs-cluster/pinsvc/sharness/clients/generated/oapi"
)

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	one, two, three := os.Args[1], os.Args[2], os.Args[3]
	authorized := client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+os.Getenv("SERVICE_TOKEN"))
		return nil
	})
	endpoint := os.Getenv("SERVICE_ENDPOINT")
	c, err := client.NewClientWithResponses(endpoint, authorized)
	check(err == nil, "client", err)
	stranger, err := client.NewClientWithResponses(endpoint)
	check(err == nil, "client", err)

	meta := map[string]string{"made by": "oapi-codegen", "a&b": "c=d,e"}
	name := "generated"
	added, err := c.AddPinWithResponse(ctx, client.NewPin{Cid: one, Name: &name, Meta: &meta})
	check(err == nil && added.JSON202 != nil && added.JSON202.Requestid == one, "add", err, added)
	other, err := c.AddPinWithResponse(ctx, client.NewPin{Cid: two})
	check(err == nil && other.JSON202 != nil, "add", err, other)

	filter, every := client.FilterMeta(meta), client.FilterStatus{"queued", "pinning", "pinned", "failed"}
	list, err := c.ListPinsWithResponse(ctx, &client.ListPinsParams{Meta: &filter, Status: &every})
	check(err == nil && list.JSON200 != nil && list.JSON200.Count == 1, "list by meta", err, list)
	found := list.JSON200.Results[0]
	check(found.Requestid == one && *found.Pin.Name == name && (*found.Pin.Meta)["a&b"] == "c=d,e", "list by meta", found)
	list, err = c.ListPinsWithResponse(ctx, &client.ListPinsParams{Cid: &client.FilterCid{one, two}})
	check(err == nil && list.JSON200 != nil && list.JSON200.Count == 2, "list by CID", err, list)
	before := other.JSON202.Created
	list, err = c.ListPinsWithResponse(ctx, &client.ListPinsParams{Cid: &client.FilterCid{one, two}, Before: &before})
	check(err == nil && list.JSON200.Count == 1 && list.JSON200.Results[0].Requestid == one, "list before", err, list)

	replaced, err := c.ReplacePinWithResponse(ctx, one, client.NewPin{Cid: three})
	check(err == nil && replaced.JSON202 != nil && replaced.JSON202.Requestid == three, "replace", err, replaced)
	gone, err := c.GetPinWithResponse(ctx, one)
	check(err == nil && gone.JSON404 != nil, "the old pin is gone", err, gone)
	got, err := c.GetPinWithResponse(ctx, three)
	check(err == nil && got.JSON200 != nil && len(got.JSON200.Delegates) > 0, "get", err, got)

	bad, err := c.AddPinWithResponse(ctx, client.NewPin{Cid: "nonsense"})
	check(err == nil && bad.JSON400 != nil && *bad.JSON400.Error.Reason == "BAD_REQUEST", "bad CID", err, bad)
	denied, err := stranger.ListPinsWithResponse(ctx, nil)
	check(err == nil && denied.JSON401 != nil, "without a token", err, denied)
	for _, id := range []string{two, three} {
		deleted, err := c.DeletePinWithResponse(ctx, id)
		check(err == nil && deleted.StatusCode() == http.StatusAccepted, "delete", err, deleted)
	}
	fmt.Println("passed: oapi-codegen")
}

func check(ok bool, what string, details ...any) {
	if !ok {
		log.Fatalf("%s: %+v", what, details)
	}
}
