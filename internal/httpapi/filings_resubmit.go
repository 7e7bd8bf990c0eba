package httpapi

import (
	"context"
	"net/http"

	"attestd/internal/access"
	"attestd/verify"

	"github.com/danielgtaylor/huma/v2"
)

func (a *API) filingResubmit(api huma.API) {
	op := a.operation(access.Filings, http.MethodPost, "/v1/filings/{id}/resubmit", "resubmit-filing", "filings", "Submit a rejected filing again",
		"With the same data and new codes, as a new filing that takes its place: 201. Done before, it gives that one: 200. Only of a filing that was rejected, and as long as what was given with it is kept; the limits are those of supersedes. The body may be left out.",
		http.StatusNotFound, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	op.DefaultStatus = http.StatusCreated
	also[Filing](api, &op, "It was submitted again before: the filing that was made then.")
	huma.Register(api, op, func(ctx context.Context, in *struct {
		IDInput
		Body *struct {
			Reference string `json:"reference,omitempty" maxLength:"512" doc:"Your own name for the new filing; the old one keeps its own." example:"order-4711-2"`
		} `required:"false"`
	}) (*filingOutput, error) {
		q := verify.ResubmitRequest{Owner: ownerOf(ctx), FilingID: in.ID}
		if in.Body != nil {
			q.Reference = in.Body.Reference
		}
		f, created, err := a.s.Verify.ResubmitFiling(ctx, q)
		if err != nil {
			return nil, a.refuseFiling(ctx, err)
		}
		status := http.StatusCreated
		if !created {
			status = http.StatusOK
		}
		return &filingOutput{status, a.viewFiling(ctx, f)}, nil
	})
}
