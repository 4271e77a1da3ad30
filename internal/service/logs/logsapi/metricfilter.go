package logsapi

import (
	"context"

	"github.com/slipway/slipway/internal/page"
	"github.com/slipway/slipway/internal/service/logs"
	"github.com/slipway/slipway/internal/service/logs/logsshape"
	"github.com/slipway/slipway/internal/wire"
)

func (a *api) putMetricFilter(ctx context.Context, call *wire.Call, in *logsshape.PutMetricFilterInput) (*logsshape.PutMetricFilterOutput, error) {
	if in.FieldSelectionCriteria != nil || len(in.EmitSystemFieldDimensions) > 0 {
		return nil, invalid("fieldSelectionCriteria and emitSystemFieldDimensions need a centralized log group.")
	}
	f := logs.MetricFilter{Name: *in.FilterName, Pattern: *in.FilterPattern, Transformed: deref(in.ApplyOnTransformedLogs)}
	for _, t := range in.MetricTransformations {
		f.Transformations = append(f.Transformations, logs.Transformation{
			Metric: *t.MetricName, Namespace: *t.MetricNamespace, Value: *t.MetricValue,
			Default: t.DefaultValue, Dimensions: t.Dimensions, Unit: deref(t.Unit),
		})
	}
	return nil, visible(a.room.PutMetricFilter(ctx, scope(call), *in.LogGroupName, f))
}

func (a *api) deleteMetricFilter(ctx context.Context, call *wire.Call, in *logsshape.DeleteMetricFilterInput) (*logsshape.DeleteMetricFilterOutput, error) {
	return nil, visible(a.room.DeleteMetricFilter(ctx, scope(call), *in.LogGroupName, *in.FilterName))
}

func (a *api) describeMetricFilters(_ context.Context, call *wire.Call, in *logsshape.DescribeMetricFiltersInput) (*logsshape.DescribeMetricFiltersOutput, error) {
	if (in.MetricName == nil) != (in.MetricNamespace == nil) {
		return nil, invalid("metricName and metricNamespace must be specified together.")
	}
	all, err := a.room.MetricFilters(scope(call), deref(in.LogGroupName), deref(in.FilterNamePrefix))
	if err != nil {
		return nil, visible(err)
	}
	var wanted []*logs.MetricFilter
	for _, f := range all {
		if in.MetricName == nil || f.Counts(*in.MetricNamespace, *in.MetricName) {
			wanted = append(wanted, f)
		}
	}
	token := page.Scope(call.Operation, call.Account, call.Region, deref(in.LogGroupName), deref(in.FilterNamePrefix))
	list, next, err := page.Cut(wanted, (*logs.MetricFilter).Key, token, deref(in.NextToken), limit(in.Limit, describePage))
	if err != nil {
		return nil, visible(logs.ErrToken)
	}
	out := &logsshape.DescribeMetricFiltersOutput{MetricFilters: []logsshape.MetricFilter{}}
	for _, f := range list {
		out.MetricFilters = append(out.MetricFilters, filterShape(f))
	}
	if next != "" {
		out.NextToken = &next
	}
	return out, nil
}

func filterShape(f *logs.MetricFilter) logsshape.MetricFilter {
	s := logsshape.MetricFilter{
		FilterName: &f.Name, FilterPattern: &f.Pattern, LogGroupName: &f.Group, CreationTime: &f.Created,
		ApplyOnTransformedLogs: &f.Transformed, MetricTransformations: []logsshape.MetricTransformation{},
	}
	for _, t := range f.Transformations {
		shape := logsshape.MetricTransformation{
			MetricName: &t.Metric, MetricNamespace: &t.Namespace, MetricValue: &t.Value, DefaultValue: t.Default, Dimensions: t.Dimensions,
		}
		if t.Unit != "" {
			shape.Unit = &t.Unit
		}
		s.MetricTransformations = append(s.MetricTransformations, shape)
	}
	return s
}

func (a *api) testMetricFilter(_ context.Context, _ *wire.Call, in *logsshape.TestMetricFilterInput) (*logsshape.TestMetricFilterOutput, error) {
	p, err := parsed(in.FilterPattern)
	if err != nil {
		return nil, err
	}
	out := &logsshape.TestMetricFilterOutput{Matches: []logsshape.MetricFilterMatchRecord{}}
	for i, message := range in.LogEventMessages {
		if values := p.Extract(message); values != nil {
			out.Matches = append(out.Matches, logsshape.MetricFilterMatchRecord{
				EventNumber: new(int64(i + 1)), EventMessage: &message, ExtractedValues: values,
			})
		}
	}
	return out, nil
}
