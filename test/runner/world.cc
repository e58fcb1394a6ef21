#include "runner/world.h"

#include <algorithm>

#include "codec/json_writer.h"
#include "runner/json_value.h"
#include "sql/parser.h"

namespace haumea::runner {
namespace {

std::string OneLine(std::string_view text) {
    std::string line;
    for (const char c : text) {
        if (c == '\n') {
            line += "\\n";
        } else {
            line += c;
        }
    }
    return line;
}

std::string RowsAsJson(std::span<const Value> rows) {
    const Value value = rows.size() == 1 ? rows.front() : Value::Array(rows);
    BufferBuilder text;
    std::string error;
    if (!codec::WriteJson(value, text, error)) {
        return "encode error: " + OneLine(error);
    }
    return std::string(text.view());
}

// An object, or a list of them.
bool IsRows(const config::Node& node) {
    return node.is_object() ||
           (node.is_array() &&
            std::ranges::all_of(node.array(), [](const config::Node& item) { return item.is_object(); }));
}

}  // namespace

Result<void> FeedSource::Start(connect::SourceListener& listener) {
    listener_ = &listener;
    return {};
}

void FeedSource::Stop() {
    listener_ = nullptr;
    messages_.clear();
}

void FeedSource::Offer(BufferView message, Ref<connect::Metadata> meta) {
    if (listener_ != nullptr) {
        held_back_ += waiting_for_resume_ ? 1 : 0;
        messages_.push_back({std::move(message), std::move(meta)});
        Drain();
    }
}

bool FeedSource::Drain() {
    bool moved = false;
    while (!waiting_for_resume_ && listener_ != nullptr && !messages_.empty()) {
        const Message message = std::move(messages_.front());
        messages_.pop_front();
        moved = true;
        if (Hand(message) == connect::Flow::kPause) {
            waiting_for_resume_ = true;
        }
    }
    return moved;
}

connect::Flow FeedSource::Hand(const Message& message) {
    const auto parsed = config::ParseJson(message.payload.view());
    if (deliver_ == Deliver::kBytes || !parsed || !IsRows(*parsed)) {
        return listener_->OnBytes(message.payload, clock_.NowMs(), message.meta);
    }
    Arena arena;
    const Value value = ToValue(*parsed, arena);
    connect::Flow flow = connect::Flow::kContinue;
    for (const Value& row : value.is_array() ? value.items() : std::span(&value, 1)) {
        flow = listener_->OnRow(row, clock_.NowMs(), message.meta);
    }
    return flow;
}

RecordingAction::RecordingAction(std::vector<std::string>& lines, int64_t pause_every)
    : lines_(lines), pause_every_(pause_every) {
    using metrics::NodeStats;
    nodes_.push_back(std::make_shared<NodeStats>(NodeStats::Kind::kSink, "record_0"));
}

connect::Flow RecordingAction::Emit(const connect::Emission& emission) noexcept {
    lines_.push_back(emission.is_error ? "error: " + OneLine(emission.rows.front().Get("error").text())
                                       : RowsAsJson(emission.rows));
    paused_ = paused_ || (pause_every_ > 0 && ++emissions_ % pause_every_ == 0);
    return paused_ ? connect::Flow::kPause : connect::Flow::kContinue;
}

bool RecordingAction::ResumeIfPaused() {
    if (!paused_) {
        return false;
    }
    paused_ = false;
    resume_();
    return true;
}

World::~World() {
    for (Rule& rule : rules_) {
        rule.pipeline->Stop();
    }
}

Result<void> World::CreateStream(const std::string& statement) {
    HAUMEA_TRY(sql::StreamStmt parsed, sql::ParseStreamSql(statement));
    auto* definition = std::get_if<sql::StreamDef>(&parsed);
    if (definition == nullptr) {
        return Failf("expected a CREATE statement, got: {}", statement);
    }
    const std::string name = definition->name;
    streams_[name] = std::make_shared<const sql::StreamDef>(std::move(*definition));
    return {};
}

Result<void> World::StartRule(const std::string& id, const std::string& sql,
                              const exec::RuleOptions& options) {
    if (results(id) != nullptr) {
        return Failf("there is a rule {} already", id);
    }
    rules_.push_back({.id = id, .results = {}, .sources = {}, .action = nullptr, .pipeline = nullptr});
    Rule& rule = rules_.back();
    const exec::RuleSpec spec{.id = id, .sql = sql, .actions = {config::Node()}, .options = options};
    auto planned = exec::RulePipeline::Plan(spec, *this, *this, scheduler_);
    if (!planned) {
        rules_.pop_back();
        return Fail(std::move(planned.error()));
    }
    rule.pipeline = std::move(*planned);
    return rule.pipeline->Start([&rule](bool error, const std::string& message) {
        rule.results.push_back((error ? "stopped: " : "end: ") + OneLine(message));
    });
}

Result<void> World::TryPlan(const std::string& sql, const exec::RuleOptions& options) {
    rules_.push_back({.id = "plan", .results = {}, .sources = {}, .action = nullptr, .pipeline = nullptr});
    const exec::RuleSpec spec{.id = "plan", .sql = sql, .actions = {config::Node()}, .options = options};
    const auto planned = exec::RulePipeline::Plan(spec, *this, *this, scheduler_);
    rules_.pop_back();
    if (!planned) {
        return Fail(planned.error());
    }
    return {};
}

Result<void> World::SetMeta(std::string_view json) {
    HAUMEA_TRY(const config::Node node, config::ParseJson(json));
    Arena arena;
    meta_ = Ref<connect::Metadata>::Adopt(new connect::Metadata(ToValue(node, arena)));
    return {};
}

Result<void> World::Send(const std::string& stream, std::string_view payload) {
    if (!streams_.contains(stream)) {
        return Failf("there is no stream {}", stream);
    }
    for (const Rule& rule : rules_) {
        for (FeedSource* source : rule.sources) {
            if (source->stream() == stream) {
                source->Offer(BufferView::Copy(payload), meta_);
            }
        }
    }
    if (++unsettled_events_ >= variant_.settle_after_events) {
        Settle();
    }
    return {};
}

void World::Advance(int64_t ms) {
    Settle();
    scheduler_.AdvanceTo(scheduler_.clock().NowMs() + ms);
    Settle();
}

void World::Settle() {
    unsettled_events_ = 0;
    bool moved = true;
    while (moved) {
        moved = false;
        scheduler_.RunPosted();
        for (const Rule& rule : rules_) {
            moved = rule.action->ResumeIfPaused() || moved;
            for (FeedSource* source : rule.sources) {
                moved = source->Drain() || moved;
            }
        }
    }
}

std::vector<std::string>* World::results(const std::string& rule) {
    for (Rule& candidate : rules_) {
        if (candidate.id == rule) {
            return &candidate.results;
        }
    }
    return nullptr;
}

std::vector<std::string> World::rules() const {
    std::vector<std::string> ids;
    for (const Rule& rule : rules_) {
        ids.push_back(rule.id);
    }
    return ids;
}

size_t World::held_back() const {
    size_t messages = 0;
    for (const Rule& rule : rules_) {
        for (const FeedSource* source : rule.sources) {
            messages += source->held_back();
        }
    }
    return messages;
}

std::shared_ptr<const sql::StreamDef> World::FindStream(const std::string& name) const {
    const auto found = streams_.find(name);
    return found == streams_.end() ? nullptr : found->second;
}

Result<std::unique_ptr<connect::Source>> World::MakeSource(const sql::StreamDef& stream, const std::string&) {
    const std::string& format = stream.options.format;
    const bool open_json = stream.schemaless() && (format.empty() || format == "json");
    auto source = std::make_unique<FeedSource>(
        scheduler_.clock(), stream.name,
        variant_.deliver_rows && open_json ? FeedSource::Deliver::kRows : FeedSource::Deliver::kBytes);
    rules_.back().sources.push_back(source.get());
    return source;
}

Result<std::vector<std::unique_ptr<connect::Action>>> World::MakeActions(const config::Node&, int,
                                                                         const std::string&,
                                                                         const exec::RuleOptions&) {
    auto action = std::make_unique<RecordingAction>(rules_.back().results, variant_.pause_every);
    rules_.back().action = action.get();
    std::vector<std::unique_ptr<connect::Action>> actions;
    actions.push_back(std::move(action));
    return actions;
}

}  // namespace haumea::runner
