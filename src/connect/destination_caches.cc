#include "connect/destination_caches.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "base/log.h"
#include "connect/arrange_caches.h"
#include "connect/backlog_record.h"
#include "connect/cache_farewells.h"
#include "connect/cache_file.h"
#include "store/message_log.h"

namespace haumea::connect {
namespace {

constexpr int64_t kRetryMs = 1'000;

}  // namespace

DestinationCaches::DestinationCaches(CacheSettings settings, CacheStage::Nodes shown,
                                     const std::vector<std::shared_ptr<metrics::NodeStats>>& nodes,
                                     MakeSink make_resend_sink, Services& services)
    : settings_(std::move(settings)),
      shown_(shown),
      nodes_(&nodes),
      make_resend_sink_(std::move(make_resend_sink)),
      services_(&services),
      retry_(*services.scheduler) {
    settings_.backlog.group = std::make_shared<BacklogGroup>();
}

void DestinationCaches::Start(std::vector<size_t> values,
                              std::function<void(std::vector<std::vector<std::string>>)> found) {
    values_ = std::move(values);
    found_ = std::move(found);
    if (services_->cache_farewells != nullptr) {
        services_->cache_farewells->WhenFree(settings_.backlog.file, [this, alive = alive_] {
            if (*alive) {
                Arrange();
            }
        });
    } else {
        Arrange();
    }
}

void DestinationCaches::Arrange() {
    auto arranged = std::make_shared<ArrangedCaches>();
    const bool taken = DiskOf(*services_)(
        [arranged, file = settings_.backlog.file, values = values_] {
            *arranged = ArrangeCaches(file, values);
        },
        [this, arranged, alive = alive_] {
            if (!*alive) {
                return;
            }
            const int64_t now = services_->scheduler->clock().NowMs();
            if (!arranged->error.empty()) {
                shown_.cache->CountException("cache of an earlier run: " + arranged->error, now);
            }
            if (arranged->lost > 0) {
                const std::string text = fmt::format(
                    "cache: {} messages of an earlier form of the rule have no value for its templates: "
                    "dropped",
                    arranged->lost);
                log::Warn("{}: {}", shown_.sink->name(), text);
                shown_.cache->CountException(text, now);
                shown_.cache->CountDropped(static_cast<int64_t>(arranged->lost));
            }
            arranged_ = true;
            for (const auto& open : std::exchange(waiting_, {})) {
                open();
            }
            found_(std::move(arranged->waiting));
        });
    if (!taken) {
        retry_.Start(kRetryMs, [this] { Arrange(); });
    }
}

Result<DestinationCaches::Cache> DestinationCaches::Make(MessageSink& sink,
                                                         std::span<const std::string_view> values) {
    Cache cache;
    if (make_resend_sink_) {
        HAUMEA_TRY(cache.resend_sink, make_resend_sink_());
    }
    CacheSettings settings = settings_;
    cache.file = settings.backlog.file = DestinationFile(settings_.backlog.file, values);
    cache.stage = std::make_unique<CacheStage>(sink, cache.resend_sink.get(), std::move(settings), shown_,
                                               *services_->scheduler, DiskOf(*services_));
    cache.stage->SetResumeCallback([this] {
        if (resume_) {
            resume_();
        }
    });
    return cache;
}

Result<void> DestinationCaches::Open(Cache& cache) {
    if (cache.resend_sink) {
        HAUMEA_TRY_VOID(cache.resend_sink->Open(*shown_.resend));
    }
    auto open = cache.stage->OpenLater();
    if (arranged_) {
        open();
    } else {
        waiting_.push_back(std::move(open));
    }
    return {};
}

bool DestinationCaches::Spill(std::span<const std::string_view> values,
                              std::span<const EncodedMessage> messages) {
    if (!arranged_ || spilled_ + messages.size() > settings_.backlog.disk_messages) {
        return false;
    }
    auto records = std::make_shared<std::vector<store::LoggedMessage>>();
    std::transform(messages.begin(), messages.end(), std::back_inserter(*records),
                   [](const EncodedMessage& message) { return ToRecord(0, message); });
    auto failure = std::make_shared<std::string>();
    const bool taken = DiskOf(*services_)(
        [records, failure, file = DestinationFile(settings_.backlog.file, values)] {
            auto log = store::MessageLog::Open(file);
            Result<> written = log ? Result<>() : Result<>(Fail(log.error()));
            if (log) {
                uint64_t seq = (*log)->last();
                for (store::LoggedMessage& record : *records) {
                    record.seq = ++seq;
                }
                written = (*log)->Write(0, *records);
            }
            *failure = written ? "" : written.error().message;
        },
        [this, records, failure, alive = alive_] {
            if (!*alive) {
                return;
            }
            --spilling_;
            if (!failure->empty()) {
                shown_.cache->CountException("cache: " + *failure, services_->scheduler->clock().NowMs());
                shown_.cache->CountDropped(static_cast<int64_t>(records->size()),
                                           metrics::DropReason::kCacheFull);
            }
        });
    if (taken) {
        const auto count = static_cast<int64_t>(messages.size());
        spilled_ += messages.size();
        ++spilling_;
        shown_.cache->CountIn(count);
        shown_.cache->CountProcessed(count);
        shown_.cache->buffer_length.fetch_add(count, std::memory_order_relaxed);
    }
    return taken;
}

void DestinationCaches::Unspill(size_t messages) {
    spilled_ -= messages;
    shown_.cache->buffer_length.fetch_sub(static_cast<int64_t>(messages), std::memory_order_relaxed);
}

void DestinationCaches::Leave(Cache cache, std::unique_ptr<MessageSink> sink, std::shared_ptr<void> kept) {
    CacheFarewells::Leaving leaving{.file = std::move(cache.file),
                                    .kept = std::move(kept),
                                    .sink = std::move(sink),
                                    .resend_sink = std::move(cache.resend_sink),
                                    .nodes = *nodes_,
                                    .stage = std::move(cache.stage)};
    if (services_->cache_farewells != nullptr) {
        services_->cache_farewells->Add(std::move(leaving));
        return;
    }
    leaving.stage->Close();
    leaving.sink->Close();
    if (leaving.resend_sink) {
        leaving.resend_sink->Close();
    }
}

}  // namespace haumea::connect
