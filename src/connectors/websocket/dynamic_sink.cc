#include "connectors/websocket/dynamic_sink.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "connectors/websocket/dynamic_target.h"

namespace haumea::connectors {

using connect::Delivery;
using connect::EncodedMessage;
using metrics::ConnectionState;

DynamicSink::DynamicSink(io::Scheduler& scheduler, Settings settings, Make make)
    : scheduler_(&scheduler),
      settings_(std::move(settings)),
      make_(std::move(make)),
      idle_timer_(scheduler),
      burial_timer_(scheduler),
      overflow_timer_(scheduler) {}

DynamicSink::~DynamicSink() = default;

Result<void> DynamicSink::Open(metrics::NodeStats& stats) {
    stats_ = &stats;
    if (settings_.can_open) {
        HAUMEA_TRY_VOID(settings_.can_open());
    }
    stats_->SetNumbers([this](metrics::Numbers& into) { ReadNumbers(into); });
    ShowWorst();
    if (caches_ != nullptr) {
        StartCaches();
    }
    return {};
}

Delivery DynamicSink::Send(const EncodedMessage& message) noexcept {
    Target* target = closed_ ? nullptr : FindOrMake(message);
    if (target == nullptr) {
        return Delivery::kDropped;
    }
    target->used_ms = scheduler_->clock().NowMs();
    const Delivery delivery = target->made.sink->Send(message);
    target->blocked = delivery == Delivery::kBlocked;
    if (delivery == Delivery::kQueued && listener_ != nullptr) {
        ++target->unasked;
    }
    return delivery;
}

std::string_view DynamicSink::KeyOf(const EncodedMessage& message) noexcept {
    values_.clear();
    for (const size_t index : settings_.values) {
        if (index >= message.dynamic.size()) {
            return {};  // from a cache that was filled before the rule had this template
        }
        values_.emplace_back(message.dynamic[index]);
    }
    if (values_.size() == 1) {
        return values_.front();
    }
    // No value with NUL ever makes a target, so that the joined form is unambiguous.
    key_.clear();
    for (const std::string_view value : values_) {
        key_.append(value).push_back('\0');
    }
    return key_;
}

DynamicSink::Target* DynamicSink::FindOrMake(const EncodedMessage& message) noexcept {
    const std::string_view key = KeyOf(message);
    if (values_.size() < settings_.values.size()) {
        Drop("message dropped: it holds no value for the templates in path and headers");
        return nullptr;
    }
    const auto found = targets_.find(key);
    return found != targets_.end() ? found->second.get() : MakeTarget(key);
}

DynamicSink::Target* DynamicSink::MakeTarget(std::string_view key) noexcept {
    const int64_t now = scheduler_->clock().NowMs();
    auto made = std::make_shared<Target>(*this, key);
    Target* const target = made.get();
    auto sink = make_(values_, *target);
    if (!sink) {
        Drop("message dropped: " + sink.error().message);
        return nullptr;
    }
    if (targets_.size() >= settings_.max_targets && !MakeRoom(now)) {
        NoRoom();
        return nullptr;
    }
    full_ = false;
    target->made = std::move(*sink);
    target->used_ms = now;
    if (caches_ != nullptr) {
        auto cache = caches_->Make(*target->made.sink, values_);
        if (!cache) {
            Drop("message dropped: " + cache.error().message);
            return nullptr;
        }
        target->cache = std::move(*cache);
    } else {
        target->made.sink->SetReadyCallback([this, target] {
            target->blocked = false;
            if (ready_) {
                ready_();
            }
        });
    }
    if (listener_ != nullptr) {
        target->made.sink->UseConfirmation(*target);
    }
    targets_.emplace(target->key, std::move(made));
    auto opened = target->made.sink->Open(*stats_);
    if (opened && caches_ != nullptr) {
        opened = caches_->Open(target->cache);
    }
    if (!opened) {
        Drop(fmt::format("message dropped: {}: {}", target->made.name, opened.error().message));
        CloseTarget(*target);
        return nullptr;
    }
    Changed(*target);
    if (!idle_timer_.pending()) {
        Watch(settings_.idle_ms);
    }
    return target;
}

void DynamicSink::NoRoom() noexcept {
    // With caches it has waited, and what may wait is full.
    stats_->CountDropped(1,
                         caches_ != nullptr ? metrics::DropReason::kCacheFull : metrics::DropReason::kOther);
    if (!std::exchange(full_, true)) {
        const std::string text = fmt::format(
            "dynamic_targets: {} are open and none is idle, messages for others are dropped; "
            "maxDynamicTargets allows more",
            targets_.size());
        stats_->CountException(text, scheduler_->clock().NowMs());
        log::Warn("{}: {}", stats_->name(), text);
    }
}

// For one more target, perhaps in the place of one that is idle.
bool DynamicSink::HasRoom() noexcept {
    return targets_.size() < settings_.max_targets ||
           std::any_of(
               targets_.begin(), targets_.end(),
               [now = scheduler_->clock().NowMs()](const auto& entry) {
                   return entry.second->used_ms < now && entry.second->idle();
               });
}

void DynamicSink::Drop(std::string text) noexcept {
    stats_->CountDropped();
    stats_->CountException(std::move(text), scheduler_->clock().NowMs());
}

// The one that has been idle longest goes.
bool DynamicSink::MakeRoom(int64_t now_ms) noexcept {
    Target* oldest = nullptr;
    for (const auto& [key, target] : targets_) {
        if ((oldest == nullptr || target->used_ms < oldest->used_ms) && target->used_ms < now_ms &&
            target->idle()) {
            oldest = target.get();
        }
    }
    if (oldest == nullptr) {
        return false;
    }
    CloseTarget(*oldest);
    return true;
}

void DynamicSink::ReadNumbers(metrics::Numbers& into) const {
    into = gone_;
    for (const auto& [key, target] : targets_) {
        if (target->numbers) {
            metrics::Numbers own;
            target->numbers(own);
            metrics::Merge(own, into);
        }
    }
}

void DynamicSink::CloseTarget(Target& target) noexcept {
    if (target.numbers) {
        metrics::Numbers last;
        target.numbers(last);
        std::erase_if(last, [](const metrics::Number& number) {
            return number.kind->type != metrics::PrometheusText::FamilyType::kCounter;
        });
        metrics::Merge(last, gone_);
    }
    target.Close();
    const auto found = targets_.find(target.key);
    buried_.push_back(std::move(found->second));
    targets_.erase(found);
    if (worst_ == &target) {
        ShowWorst();
    }
    if (!burial_timer_.pending()) {
        burial_timer_.Start(0, [this] {
            buried_.clear();
            OpenWaiting();
        });
    }
}

void DynamicSink::Watch(int64_t delay_ms) {
    idle_timer_.Start(std::max<int64_t>(delay_ms, 1), [this] { CloseIdle(); });
}

void DynamicSink::CloseIdle() noexcept {
    const int64_t now = scheduler_->clock().NowMs();
    int64_t next = INT64_MAX;
    std::vector<Target*> over;
    for (const auto& [key, target] : targets_) {
        const int64_t due = target->used_ms + settings_.idle_ms;
        if (due > now) {
            next = std::min(next, due);
        } else if (target->idle()) {
            over.push_back(target.get());
        } else {
            next = std::min(next, now + settings_.idle_ms);  // looked at again
        }
    }
    for (Target* target : over) {
        CloseTarget(*target);
    }
    if (next != INT64_MAX) {
        Watch(next - now);
    }
}

void DynamicSink::Changed(Target& target) {
    const bool known = targets_.find(target.key) != targets_.end();
    if (!known) {
        return;
    }
    if (worst_ == nullptr || worst_ == &target || target.state < worst_->state) {
        ShowWorst();
    }
}

void DynamicSink::ShowWorst() {
    worst_ = nullptr;
    for (const auto& [key, target] : targets_) {
        if (worst_ == nullptr || target->state < worst_->state) {
            worst_ = target.get();
        }
        if (worst_->state == ConnectionState::kDisconnected) {
            break;
        }
    }
    const int64_t now = scheduler_->clock().NowMs();
    if (worst_ == nullptr) {
        stats_->SetConnection(ConnectionState::kConnecting, "", now);
    } else if (worst_->state == ConnectionState::kConnected) {
        stats_->SetConnection(ConnectionState::kConnected, "", now);
    } else {
        const std::string colon = worst_->reason.empty() ? "" : ": ";
        stats_->SetConnection(worst_->state, worst_->made.name + colon + worst_->reason, now);
    }
}

// ---- confirmed delivery ----

bool DynamicSink::UseConfirmation(connect::DeliveryListener& listener) {
    listener_ = &listener;
    return settings_.confirms;
}

bool DynamicSink::RequestConfirmation(uint64_t mark) {
    bool asked = false;
    for (const auto& [key, target] : targets_) {
        if (target->unasked > 0 && target->made.sink->RequestConfirmation(mark)) {
            target->unasked = 0;
            target->asked.push_back(mark);
            asked = true;
        }
    }
    last_mark_ = asked ? mark : last_mark_;
    return asked;
}

// A mark is confirmed when every target that was asked has answered.
void DynamicSink::Confirmed() {
    uint64_t confirmed = last_mark_;
    for (const auto& [key, target] : targets_) {
        if (!target->asked.empty()) {
            confirmed = std::min(confirmed, target->asked.front() - 1);
        }
    }
    if (listener_ != nullptr && confirmed > confirmed_mark_) {
        confirmed_mark_ = confirmed;
        listener_->OnConfirmed(confirmed);
    }
}

// The cache sends everything again that is not confirmed, whichever target had it: what is asked of the
// others means nothing any more.
void DynamicSink::Lost() {
    for (const auto& [key, target] : targets_) {
        target->unasked = 0;
        target->asked.clear();
    }
    confirmed_mark_ = last_mark_;
    if (listener_ != nullptr) {
        listener_->OnLost();
    }
}

// ---- the end ----

bool DynamicSink::idle() const {
    return std::all_of(targets_.begin(), targets_.end(),
                       [](const auto& entry) { return entry.second->idle(); });
}

void DynamicSink::Close() {
    closed_ = true;
    listener_ = nullptr;
    ready_ = nullptr;
    idle_timer_.Cancel();
    overflow_timer_.Cancel();
    KeepOverflow();
    for (const auto& [key, target] : targets_) {
        if (caches_ != nullptr) {
            target->closed = true;
            caches_->Leave(std::move(target->cache), std::move(target->made.sink), target);
        } else {
            target->Close();
        }
    }
    if (caches_ != nullptr) {
        targets_.clear();
        worst_ = nullptr;
    }
    if (stats_ != nullptr) {
        stats_->SetNumbers({});
        stats_->SetConnection(ConnectionState::kDisconnected, "closed", scheduler_->clock().NowMs());
    }
}

}  // namespace haumea::connectors
