#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/node.h"
#include "config/settings.h"
#include "store/kv.h"

namespace haumea::rule {

// Groups of properties that streams name with CONF_KEY and actions with resourceId: those of the files under
// etc/, over them, property by property, those that were put over REST and are stored. Owned by the engine;
// control thread only. Errors carry the texts of ekuiper-rest.md 1.7.
class ConfKeys {
  public:
    enum class Kind : uint8_t { kSource, kSink };

    // `table` keeps the properties as JSON by "sources.<type>.<key>" and "sinks.<type>.<key>"; it outlives
    // this.
    ConfKeys(config::ConfKeys sources, config::ConfKeys sinks, store::KeyValue& table);

    // Reads the store, once, before streams and rules are planned.
    Result<void> Load();

    // Group `default`, overlaid by group `key`; names ignore case. `found` (may be null) says whether `key`
    // exists.
    config::Node Properties(Kind kind, std::string_view type, std::string_view key,
                            bool* found = nullptr) const;
    // All groups of a type by name, secrets masked; nothing when there is none.
    std::optional<config::Node> Groups(Kind kind, std::string_view type) const;
    // {"<key>":"<type>"} of every stored group, sorted by key.
    config::Node Stored(Kind kind) const;

    // Adds or replaces; `props` is an object. Running rules go on with what they have. Masked secrets stand
    // for the stored ones.
    Result<void> Put(Kind kind, const std::string& type, const std::string& key, const config::Node& props);
    // Of a stored group only; what the files say of it is seen again.
    Result<void> Delete(Kind kind, const std::string& type, const std::string& key);

  private:
    struct Side {
        config::ConfKeys files;
        config::ConfKeys merged;
        std::map<std::string, config::Node, std::less<>> stored;  // type -> object of groups
    };
    Side& side(Kind kind) { return kind == Kind::kSource ? sources_ : sinks_; }
    const Side& side(Kind kind) const { return kind == Kind::kSource ? sources_ : sinks_; }
    static void Merge(Side& side, const std::string& type);

    Side sources_;
    Side sinks_;
    store::KeyValue* table_;
};

}  // namespace haumea::rule
