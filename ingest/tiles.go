package ingest

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/leadlake/leadlake/internal/tiling"
)

// nowhere is the tile of a question that is asked without a place.
var nowhere = Box{}

// tiles covers the root's area with searches. The tiles of a wave are asked
// side by side; the next wave follows from what they found, so a resumed run,
// which reads the landed pages, cuts the same tiles.
func (r *running) tiles(ctx context.Context, source Tiled, root Query) error {
	planner := tiling.New(tilingOf(source.Spec(), root))
	for wave := planner.Next(); len(wave) > 0; wave = planner.Next() {
		results := make([]tiling.Result, len(wave))
		group, groupCtx := errgroup.WithContext(ctx)
		group.SetLimit(r.Parallel)
		for i, tile := range wave {
			q := source.At(root, tile.Box)
			q.Area, q.Circle, q.Cap, q.Question = root.Area, root.Circle, root.Cap, source.At(root, nowhere).ID
			group.Go(func() error {
				a, err := r.query(groupCtx, source, q, tile.Pages)
				results[i] = a.result()
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		for i, tile := range wave {
			planner.Report(tile, results[i])
		}
	}
	r.cap(root.Provider, len(planner.Exhausted()))
	return nil
}

// tilingOf is how a source's searches cover the area of a root query.
func tilingOf(spec Spec, root Query) tiling.Config {
	cfg := tiling.Config{
		Area: *root.Area, Root: *root.Tile, PageSize: spec.PageSize, Cap: spec.ResultCap, Circle: root.Circle, Totals: spec.Totals,
	}
	if root.Cap > 0 {
		cfg.Cap, cfg.PageSize = root.Cap, min(root.Cap, spec.PageSize)
	}
	return cfg
}

// result is what the tiling needs to know of a query.
func (a answered) result() tiling.Result {
	out := tiling.Result{Rows: a.rows, More: a.more}
	for _, p := range a.pages {
		out.Total = max(out.Total, p.Notes.Total)
		for _, at := range p.Notes.Points {
			out.Points = append(out.Points, tiling.Point{Lat: at[0], Lon: at[1]})
		}
	}
	return out
}
