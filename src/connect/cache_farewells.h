#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "connect/cache_stage.h"
#include "connect/sink.h"
#include "io/scheduler.h"
#include "metrics/node_stats.h"

namespace haumea::connect {

// Caches of actions that have ended while the remote had yet to confirm what it was sent. Each stays for a
// moment, so that a polite stop leaves nothing to be sent twice; then the rest goes to its file. Owned by the
// engine, outlives the actions; destroyed before what the sinks need. Home loop only.
class CacheFarewells {
  public:
    // How long a remote has for its last answer.
    static constexpr int64_t kPatienceMs = 1'000;

    explicit CacheFarewells(io::Scheduler& loop) : loop_(&loop) {}
    ~CacheFarewells() { FinishAll(); }
    CacheFarewells(const CacheFarewells&) = delete;
    CacheFarewells& operator=(const CacheFarewells&) = delete;

    // What an ended action leaves: its cache, the transports behind it and the nodes that they count in.
    struct Leaving {
        std::string file;
        std::shared_ptr<void> kept =
            nullptr;  // what the transports talk to, if that is to be kept; goes last
        std::unique_ptr<MessageSink> sink;
        std::unique_ptr<MessageSink> resend_sink;
        std::vector<std::shared_ptr<metrics::NodeStats>> nodes;
        std::unique_ptr<CacheStage> stage;  // goes first
    };
    // Closes it now when there is nothing to wait for.
    void Add(Leaving leaving);
    // Runs `task` when no cache that has ended uses `file`, or a file of its destinations, any more; in place
    // when none does.
    void WhenFree(const std::string& file, std::function<void()> task);
    // A cache of this process has ended with one of these files, and nobody has opened it since, or one may
    // become that file.
    bool HasLeft(const std::string& file) const;
    // Does not wait any longer for caches in `folder`.
    void FinishIn(const std::string& folder);
    // Nobody opens a file in `folder` until Release(): what WhenFree() is given waits.
    void Hold(const std::string& folder) { held_.try_emplace(folder); }
    void Release(const std::string& folder);
    // Runs `task` when no cache that has ended uses a file in `folder` any more, also while it is held.
    void WhenEmpty(const std::string& folder, std::function<void()> task);
    void FinishAll();

  private:
    struct Entry {
        Leaving leaving;
        std::unique_ptr<io::Timer> timer;
        std::vector<std::function<void()>> waiting;
    };
    static void Close(Leaving& leaving);
    void Finish(std::list<Entry>::iterator entry);

    io::Scheduler* loop_;
    std::list<Entry> entries_;
    std::set<std::string> left_;                                      // files of caches that have ended
    std::map<std::string, std::vector<std::function<void()>>> held_;  // folders, with what waits
};

}  // namespace haumea::connect
