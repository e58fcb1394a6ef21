#include "connect/cache_farewells.h"

#include <algorithm>
#include <utility>

#include "connect/cache_file.h"

namespace haumea::connect {
namespace {

bool IsIn(const std::string& file, const std::string& folder) { return file.starts_with(folder + "/"); }

}  // namespace

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
    for (auto& [folder, tasks] : held_) {
        if (IsIn(file, folder)) {
            tasks.emplace_back([this, file, task = std::move(task)] { WhenFree(file, task); });
            return;
        }
    }
    std::erase_if(left_, [&](const std::string& left) { return IsOfCache(left, file); });
    for (Entry& entry : entries_) {
        if (IsOfCache(entry.leaving.file, file)) {
            // There may be others: then it waits for the next.
            entry.waiting.emplace_back([this, file, task = std::move(task)] { WhenFree(file, task); });
            return;
        }
    }
    task();
}

bool CacheFarewells::HasLeft(const std::string& file) const {
    return std::any_of(held_.begin(), held_.end(),
                       [&](const auto& held) { return IsIn(file, held.first); }) ||
           std::any_of(left_.begin(), left_.end(),
                       [&](const std::string& left) { return IsOfCache(left, file); });
}

void CacheFarewells::FinishIn(const std::string& folder) {
    std::erase_if(left_, [&](const std::string& file) { return IsIn(file, folder); });
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const auto next = std::next(entry);
        if (IsIn(entry->leaving.file, folder)) {
            entry->timer->Cancel();
            Finish(entry);
        }
        entry = next;
    }
}

void CacheFarewells::WhenEmpty(const std::string& folder, std::function<void()> task) {
    for (Entry& entry : entries_) {
        if (IsIn(entry.leaving.file, folder)) {
            entry.waiting.emplace_back([this, folder, task = std::move(task)] { WhenEmpty(folder, task); });
            return;
        }
    }
    task();
}

void CacheFarewells::Release(const std::string& folder) {
    const auto found = held_.find(folder);
    if (found == held_.end()) {
        return;
    }
    const auto tasks = std::move(found->second);
    held_.erase(found);
    for (const auto& task : tasks) {
        task();
    }
}

void CacheFarewells::FinishAll() {
    while (!entries_.empty()) {
        entries_.front().timer->Cancel();
        Finish(entries_.begin());
    }
}

}  // namespace haumea::connect
