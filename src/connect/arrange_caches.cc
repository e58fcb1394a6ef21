#include "connect/arrange_caches.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <system_error>
#include <utility>

#include "connect/backlog_record.h"
#include "connect/cache_file.h"
#include "store/message_log.h"

namespace haumea::connect {
namespace {

namespace fs = std::filesystem;
using store::LoggedMessage;
using store::MessageLog;

constexpr size_t kPageMessages = 256;
constexpr size_t kPageBytes = 4U << 20U;

class Arranger {
  public:
    Arranger(const std::string& file, std::span<const size_t> values) : file_(file), values_(values) {}

    ArrangedCaches Run() {
        std::vector<std::string> found;
        std::error_code error;
        if (!values_.empty() && fs::exists(file_, error)) {
            found.push_back(file_);
        }
        const std::string folder = DestinationFolder(file_);
        for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
            // No extension(): the one for an empty value is named ".db".
            if (std::string path = at->path().string(); path.ends_with(".db")) {
                found.push_back(std::move(path));
            }
        }
        std::sort(found.begin(), found.end(), [this](const std::string& a, const std::string& b) {
            return std::pair(a != file_, a) < std::pair(b != file_, b);  // the oldest form first
        });
        for (const std::string& path : found) {
            if (auto done = Look(path); !done && result_.error.empty()) {
                result_.error = std::move(done.error().message);
            }
        }
        for (auto& [path, dynamic] : waiting_) {
            result_.waiting.push_back(std::move(dynamic));
        }
        logs_.clear();
        fs::remove(folder, error);  // when it is empty
        return std::move(result_);
    }

  private:
    // Where a message belongs; empty: nowhere.
    std::string PlaceOf(const std::vector<std::string>& dynamic) const {
        std::vector<std::string_view> chosen;
        for (const size_t index : values_) {
            if (index >= dynamic.size()) {
                return {};
            }
            chosen.emplace_back(dynamic[index]);
        }
        return values_.empty() ? file_ : DestinationFile(file_, chosen);
    }

    Result<> Look(const std::string& path) {
        HAUMEA_TRY(auto log, MessageLog::Open(path));
        std::vector<LoggedMessage> page;
        if (log->size() > 0) {
            HAUMEA_TRY_VOID(log->Read(log->first(), 1, kPageBytes, page));
        }
        if (page.empty()) {
            log.reset();
            return MessageLog::Remove(path);
        }
        std::vector<std::string> dynamic = FromRecord(std::move(page.front())).dynamic;
        if (PlaceOf(dynamic) == path) {
            waiting_.emplace(path, std::move(dynamic));
            return {};
        }
        HAUMEA_TRY_VOID(Move(*log));
        log.reset();
        return MessageLog::Remove(path);
    }

    Result<> Move(MessageLog& from) {
        std::vector<LoggedMessage> page;
        for (uint64_t next = from.first(); next <= from.last(); next += page.size()) {
            page.clear();
            HAUMEA_TRY_VOID(from.Read(next, kPageMessages, kPageBytes, page));
            if (page.empty()) {
                return Failf("messages are missing in a cache of an earlier form of the rule");
            }
            HAUMEA_TRY_VOID(Append(page));
        }
        return {};
    }

    Result<> Append(const std::vector<LoggedMessage>& page) {
        std::map<std::string, std::vector<LoggedMessage>> parts;
        for (const LoggedMessage& message : page) {
            auto dynamic = FromRecord(message).dynamic;
            const std::string place = PlaceOf(dynamic);
            if (place.empty()) {
                ++result_.lost;
                continue;
            }
            parts[place].push_back(message);
            waiting_.try_emplace(place, std::move(dynamic));
        }
        for (auto& [place, messages] : parts) {
            auto& log = logs_[place];
            if (!log) {
                HAUMEA_TRY(log, MessageLog::Open(place));
            }
            uint64_t seq = log->last();
            for (LoggedMessage& message : messages) {
                message.seq = ++seq;
            }
            HAUMEA_TRY_VOID(log->Write(0, messages));
        }
        return {};
    }

    const std::string& file_;
    std::span<const size_t> values_;
    ArrangedCaches result_;
    std::map<std::string, std::vector<std::string>> waiting_;  // by file
    std::map<std::string, std::unique_ptr<MessageLog>> logs_;  // that messages were moved to
};

}  // namespace

ArrangedCaches ArrangeCaches(const std::string& file, std::span<const size_t> values) {
    return Arranger(file, values).Run();
}

}  // namespace haumea::connect
