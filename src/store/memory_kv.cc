#include <map>
#include <mutex>

#include "store/kv.h"

namespace haumea::store {
namespace {

class MemoryTable final : public KeyValue {
  public:
    Result<std::optional<std::string>> Get(std::string_view key) const override {
        const std::lock_guard lock(mutex_);
        const auto it = entries_.find(key);
        return it == entries_.end() ? std::nullopt : std::optional(it->second);
    }
    Result<> Set(std::string_view key, std::string_view value) override {
        const std::lock_guard lock(mutex_);
        entries_.insert_or_assign(std::string(key), std::string(value));
        return {};
    }
    Result<bool> SetNew(std::string_view key, std::string_view value) override {
        const std::lock_guard lock(mutex_);
        return entries_.try_emplace(std::string(key), value).second;
    }
    Result<bool> Delete(std::string_view key) override {
        const std::lock_guard lock(mutex_);
        const auto it = entries_.find(key);
        if (it == entries_.end()) {
            return false;
        }
        entries_.erase(it);
        return true;
    }
    Result<std::vector<std::string>> Keys() const override {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> keys;
        for (const auto& [key, value] : entries_) {
            keys.push_back(key);
        }
        return keys;
    }
    Result<std::vector<Entry>> All() const override {
        const std::lock_guard lock(mutex_);
        return std::vector<Entry>(entries_.begin(), entries_.end());
    }

  private:
    mutable std::mutex mutex_;  // protects entries_
    std::map<std::string, std::string, std::less<>> entries_;
};

class MemoryStore final : public Store {
  public:
    KeyValue& Table(std::string_view name) override {
        const std::lock_guard lock(mutex_);
        return tables_.try_emplace(std::string(name)).first->second;
    }

  private:
    std::mutex mutex_;  // protects tables_
    std::map<std::string, MemoryTable> tables_;
};

}  // namespace

std::unique_ptr<Store> MakeMemoryStore() { return std::make_unique<MemoryStore>(); }

}  // namespace haumea::store
