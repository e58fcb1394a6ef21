#include "connect/cache_farewells.h"

#include <utility>

namespace haumea::connect {

void CacheFarewells::Close(Leaving& leaving) {
    leaving.stage->Close();
    leaving.sink->Close();
    if (leaving.resend_sink) {
        leaving.resend_sink->Close();
    }
}

void CacheFarewells::Add(Leaving leaving) {
    left_.insert(leaving.file);
    entries_.push_back(
        {.leaving = std::move(leaving), .timer = std::make_unique<io::Timer>(*loop_), .waiting = {}});
    const auto entry = std::prev(entries_.end());
    // The stage calls from inside a transport: the end comes in a turn of its own.
    const bool waits = entry->leaving.stage->AwaitConfirmation(
        [this, entry] { entry->timer->Start(0, [this, entry] { Finish(entry); }); });
    if (!waits) {
        Finish(entry);
        return;
    }
    entry->timer->Start(kPatienceMs, [this, entry] { Finish(entry); });
}

void CacheFarewells::Finish(std::list<Entry>::iterator entry) {
    std::list<Entry> done;
    done.splice(done.end(), entries_, entry);
    Close(entry->leaving);
    for (const auto& task : entry->waiting) {
        task();
    }
    // The timer whose task this may be goes with the entry, when the task has ended.
    loop_->Post([timer = std::shared_ptr<io::Timer>(std::move(entry->timer))] {});
}

void CacheFarewells::WhenFree(const std::string& file, std::function<void()> task) {
    left_.erase(file);
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
        if (entry->leaving.file == file) {
            entry->waiting.push_back(std::move(task));
            return;
        }
    }
    task();
}

void CacheFarewells::FinishIn(const std::string& folder) {
    std::erase_if(left_, [&](const std::string& file) { return file.starts_with(folder + "/"); });
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const auto next = std::next(entry);
        if (entry->leaving.file.starts_with(folder + "/")) {
            entry->timer->Cancel();
            Finish(entry);
        }
        entry = next;
    }
}

void CacheFarewells::FinishAll() {
    while (!entries_.empty()) {
        entries_.front().timer->Cancel();
        Finish(entries_.begin());
    }
}

}  // namespace haumea::connect
