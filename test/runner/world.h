#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "exec/rule_pipeline.h"
#include "io/virtual_scheduler.h"
#include "runner/variant.h"

namespace haumea::runner {

// A source that delivers what the case says, as bytes or as rows. While its rule asks it to wait it keeps the
// messages, as a socket would. Owned by the rule's pipeline.
class FeedSource final : public connect::Source {
  public:
    enum class Deliver : uint8_t { kBytes, kRows };
    FeedSource(const Clock& clock, std::string stream, Deliver deliver)
        : clock_(clock), stream_(std::move(stream)), deliver_(deliver) {}
    Result<void> Start(connect::SourceListener& listener) override;
    void Stop() override;
    void Resume() override { waiting_for_resume_ = false; }

    const std::string& stream() const { return stream_; }
    void Offer(BufferView message, Ref<connect::Metadata> meta);
    // Hands on what waits; false when there was nothing or the rule still asks to wait.
    bool Drain();
    // Messages that had to wait because the rule asked for it.
    size_t held_back() const { return held_back_; }

  private:
    struct Message {
        BufferView payload;
        Ref<connect::Metadata> meta;
    };
    connect::Flow Hand(const Message& message);

    const Clock& clock_;
    std::string stream_;
    Deliver deliver_;
    connect::SourceListener* listener_ = nullptr;
    bool waiting_for_resume_ = false;
    size_t held_back_ = 0;
    std::deque<Message> messages_;
};

// An action that writes every emission as one line: one row as an object, none or several as an array, an
// error row as `error: <text>`. Owned by the rule's pipeline.
class RecordingAction final : public connect::Action {
  public:
    RecordingAction(std::vector<std::string>& lines, int64_t pause_every);
    Result<void> Open() override { return {}; }
    connect::Flow Emit(const connect::Emission& emission) noexcept override;
    void SetResumeCallback(std::function<void()> resume) override { resume_ = std::move(resume); }
    void Flush() noexcept override {}
    void Close() override {}
    const std::vector<std::shared_ptr<metrics::NodeStats>>& nodes() const override { return nodes_; }
    const std::vector<std::string>& warnings() const override { return warnings_; }

    // Lets the rule go on; false when it was not waiting.
    bool ResumeIfPaused();

  private:
    std::vector<std::string>& lines_;
    int64_t pause_every_;
    int64_t emissions_ = 0;
    bool paused_ = false;
    std::function<void()> resume_;
    std::vector<std::shared_ptr<metrics::NodeStats>> nodes_;
    std::vector<std::string> warnings_;
};

// Everything around the rules of one case: streams, virtual time, sources, recorded results. One thread.
class World final : public exec::StreamCatalog, public exec::Connectors {
  public:
    World(const Variant& variant, int64_t now_ms) : variant_(variant), scheduler_(now_ms) {}
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World() override;

    Result<void> CreateStream(const std::string& statement);
    Result<void> StartRule(const std::string& id, const std::string& sql, const exec::RuleOptions& options);
    // Plans and forgets.
    Result<void> TryPlan(const std::string& sql, const exec::RuleOptions& options);
    Result<void> SetMeta(std::string_view json);
    Result<void> Send(const std::string& stream, std::string_view payload);
    void Advance(int64_t ms);
    // Runs what was posted and lets everybody who waits go on, until nothing moves.
    void Settle();
    // Results of a rule since the last call; null when there is no such rule. Settle first.
    std::vector<std::string>* results(const std::string& rule);
    std::vector<std::string> rules() const;
    size_t held_back() const;

    std::shared_ptr<const sql::StreamDef> FindStream(const std::string& name) const override;
    Result<std::unique_ptr<connect::Source>> MakeSource(const sql::StreamDef& stream,
                                                        const std::string& rule_id) override;
    Result<std::vector<std::unique_ptr<connect::Action>>> MakeActions(
        const config::Node& action, int index, const std::string& rule_id,
        const exec::RuleOptions& options) override;

  private:
    struct Rule {
        std::string id;
        std::vector<std::string> results;
        std::vector<FeedSource*> sources;  // owned by the pipeline, like the action
        RecordingAction* action = nullptr;
        std::unique_ptr<exec::RulePipeline> pipeline;
    };

    Variant variant_;
    io::VirtualScheduler scheduler_;
    std::map<std::string, std::shared_ptr<const sql::StreamDef>> streams_;
    std::deque<Rule> rules_;  // a deque: actions point to `results`
    Ref<connect::Metadata> meta_;
    int64_t unsettled_events_ = 0;
};

}  // namespace haumea::runner
