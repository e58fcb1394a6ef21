#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace haumea::store {

// One named table of texts by key: streams, rules, named connections ... A change is durable when the call
// returns. Any thread; a call may wait for the disk, so never from a data loop. Lives as long as its Store.
class KeyValue {
  public:
    using Entry = std::pair<std::string, std::string>;

    virtual ~KeyValue() = default;
    // Nothing when the key is absent.
    virtual Result<std::optional<std::string>> Get(std::string_view key) const = 0;
    // Adds or replaces.
    virtual Result<> Set(std::string_view key, std::string_view value) = 0;
    // False, and nothing changed, when the key exists.
    virtual Result<bool> SetNew(std::string_view key, std::string_view value) = 0;
    // False when the key was absent.
    virtual Result<bool> Delete(std::string_view key) = 0;
    // In byte order of the keys.
    virtual Result<std::vector<std::string>> Keys() const = 0;
    virtual Result<std::vector<Entry>> All() const = 0;
};

// Where definitions live. Owned by the engine; any thread.
class Store {
  public:
    virtual ~Store() = default;
    // The table of that name, empty at first; the same object for the same name. Owned by the store.
    virtual KeyValue& Table(std::string_view name) = 0;
};

// SQLite in one file, created with its folder when absent: write-ahead log, synced before a change is
// acknowledged, so it survives kill -9 and power loss. The error names the file, the reason and the remedy.
Result<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path);
// Forgets everything with the process: tests, and rules that are tried out.
std::unique_ptr<Store> MakeMemoryStore();

}  // namespace haumea::store
