#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/node.h"
#include "exec/rule_pipeline.h"
#include "sql/ddl.h"
#include "store/kv.h"

namespace haumea::rule {

enum class Force { kNo, kYes };

// The streams and tables that exist: parsed in memory, their statements in the store. One namespace for both
// kinds. Owned by the engine; changed on the control thread only, FindStream on any thread.
class Catalog final : public exec::StreamCatalog {
  public:
    // `table` keeps `{"streamType":0,"streamKind":"","statement":"..."}` by name; outlives this.
    explicit Catalog(store::KeyValue& table) : table_(&table) {}

    // Reads the store; once, before anything else. A statement that does not parse any more is logged and
    // left where it is. The error is one of the store.
    Result<void> Load();

    // Runs any statement about streams and tables; the text is what the caller shows on success. Errors have
    // code 3000 and no prefix.
    Result<std::string> Execute(std::string_view sql);
    // PUT: `kind` is that of the URL. Creates what does not exist. Rules keep running with the old
    // definition.
    Result<std::string> Replace(sql::StreamKind kind, std::string_view name, std::string_view sql);
    // DELETE: whatever its kind, as long as no running rule reads it. `kind` shows in the texts.
    Result<std::string> Drop(sql::StreamKind kind, const std::string& name, Force force);
    // Says whether a running rule reads that stream. Set once by the owner of the rules.
    void SetUsage(std::function<bool(const std::string& name)> in_use) { in_use_ = std::move(in_use); }

    std::shared_ptr<const sql::StreamDef> FindStream(const std::string& name) const override;
    // The definition, or `Describe stream fails, x is not found.` (code 3000).
    Result<std::shared_ptr<const sql::StreamDef>> Describe(sql::StreamKind kind,
                                                           const std::string& name) const;
    // By name. `table_kind` is scan, lookup or anything else for all.
    std::vector<std::shared_ptr<const sql::StreamDef>> List(sql::StreamKind kind,
                                                            std::string_view table_kind) const;

  private:
    Result<std::string> Create(sql::StreamDef def);
    Result<void> Store(const sql::StreamDef& def);
    void Keep(sql::StreamDef def);
    std::string Show(sql::StreamKind kind) const;

    store::KeyValue* table_;
    std::function<bool(const std::string&)> in_use_;
    mutable std::mutex mutex_;  // protects streams_
    std::map<std::string, std::shared_ptr<const sql::StreamDef>, std::less<>> streams_;
};

}  // namespace haumea::rule
