#include "exec/chain.h"

#include <fmt/format.h>

#include "exec/analytic.h"
#include "exec/filter.h"
#include "exec/group.h"
#include "exec/project.h"
#include "exec/watermark.h"
#include "exec/window.h"
#include "sql/functions.h"

namespace haumea::exec {
namespace {

// Builds one chain; knows the number of the next node.
class ChainBuilder {
  public:
    explicit ChainBuilder(RuleContext& context) : context_(context) {}

    std::shared_ptr<metrics::NodeStats> Node(std::string_view name) {
        auto stats = std::make_shared<metrics::NodeStats>(metrics::NodeStats::Kind::kOperator,
                                                          fmt::format("{}_{}", number_++, name));
        chain_.nodes.push_back(stats);
        return stats;
    }
    // A node of the source. Those of a SHARED stream carry its name.
    std::shared_ptr<metrics::NodeStats> SourceNode(std::string_view name, const sql::StreamDef& stream) {
        const std::string prefix = stream.options.shared ? stream.name + "_" : std::string();
        auto stats = std::make_shared<metrics::NodeStats>(metrics::NodeStats::Kind::kOperator,
                                                          fmt::format("{}{}_{}", prefix, number_++, name));
        chain_.nodes.push_back(stats);
        return stats;
    }
    // The next node keeps the number of this one.
    std::shared_ptr<metrics::NodeStats> SharedNumberNode(std::string_view name) {
        auto stats = Node(name);
        --number_;
        return stats;
    }
    template <typename T, typename... Args>
    void Add(std::shared_ptr<metrics::NodeStats> stats, Args&&... args) {
        auto op = std::make_unique<T>(context_, std::move(stats), std::forward<Args>(args)...);
        if (!chain_.operators.empty()) {
            chain_.operators.back()->SetNext(op.get());
        }
        chain_.operators.push_back(std::move(op));
    }
    OperatorChain& chain() { return chain_; }

  private:
    RuleContext& context_;
    OperatorChain chain_;
    int number_ = 2;
};

void AddWindow(ChainBuilder& builder, const plan::WindowSpec& window, bool event_time) {
    if (window.filter != nullptr) {
        builder.Add<Filter>(builder.SharedNumberNode("windowFilter"), *window.filter);
    }
    if (window.type == sql::WindowType::kCount) {
        builder.Add<CountWindow>(builder.Node("window"));
    } else if (window.type == sql::WindowType::kSliding) {
        builder.Add<SlidingWindow>(builder.Node("window"));
    } else {
        builder.Add<TimeWindow>(builder.Node("window"), event_time);
    }
}

}  // namespace

bool DeliversRows(const sql::StreamDef& stream) {
    const std::string type = sql::ToLower(stream.options.type);
    return type == "memory" || type == "simulator";
}

OperatorChain BuildChain(RuleContext& context, const RuleOptions& options, Decompress decompress) {
    const plan::RulePlan& plan = context.plan;
    ChainBuilder builder(context);
    if (decompress == Decompress::kYes) {
        builder.chain().decompress = builder.SourceNode("decompress", *plan.stream);
    }
    if (!DeliversRows(*plan.stream)) {
        builder.chain().decoder = builder.SourceNode("decoder", *plan.stream);
    }
    if (options.is_event_time || plan.stream->options.strict_validation) {
        builder.chain().preprocessor = builder.Node("preprocessor");
    }
    if (options.is_event_time) {
        builder.Add<Watermark>(builder.Node("watermark"), options.late_tolerance_ms);
    }
    if (!plan.analytic.empty()) {
        builder.Add<Analytic>(builder.Node("analytic"));
    }
    if (plan.early_filter != nullptr) {
        builder.Add<Filter>(builder.Node("filter"), *plan.early_filter);
    }
    if (plan.window) {
        AddWindow(builder, *plan.window, options.is_event_time);
    }
    if (plan.late_filter != nullptr) {
        builder.Add<Filter>(builder.Node("filter"), *plan.late_filter);
    }
    if (!plan.group_by.empty()) {
        builder.Add<GroupBy>(builder.Node("aggregate"));
    }
    if (plan.having != nullptr) {
        builder.Add<Having>(builder.Node("having"));
    }
    const bool number_first = plan.order_needs_derived;
    if (plan.derived > 0 && number_first) {
        builder.Add<RowNumber>(builder.Node("windowFunc"));
    }
    if (!plan.order_by.empty()) {
        builder.Add<OrderBy>(builder.Node("order"));
    }
    if (plan.derived > 0 && !number_first) {
        builder.Add<RowNumber>(builder.Node("windowFunc"));
    }
    builder.Add<Project>(builder.Node("project"));
    OperatorChain chain = std::move(builder.chain());
    chain.first = chain.operators.front().get();
    return chain;
}

}  // namespace haumea::exec
