#include <fmt/format.h>

#include "api/responses.h"
#include "api/routes.h"
#include "rule/describe.h"

namespace haumea::api {
namespace {

using http::Request;
using http::Response;
using sql::StreamKind;

// /streams and /tables: the same handlers. The kind of the endpoint shows in the texts of errors, the kind of
// the statement in those of success.
class StreamHandlers {
  public:
    StreamHandlers(rule::Catalog& catalog, StreamKind kind) : catalog_(&catalog), kind_(kind) {}

    Response Execute(const Request& request) const {
        const auto sql = Statement(request);
        if (!sql) {
            return Failure(sql.error());
        }
        auto answer = catalog_->Execute(*sql);
        return answer ? Text(201, std::move(*answer)) : Refuse(answer.error(), *sql);
    }

    Response List(const Request& request) const {
        config::Node names = config::Node::MakeArray();
        for (const auto& def : catalog_->List(kind_, request.Query("kind"))) {
            names.Append(def->name);
        }
        return Json(names);
    }

    Response Details(const Request& request) const {
        config::Node details = config::Node::MakeArray();
        for (const auto& def : catalog_->List(kind_, request.Query("kind"))) {
            details.Append(rule::DetailsJson(*def));
        }
        return Json(details);
    }

    Response Describe(const Request& request) const {
        const auto id = PathId(request);
        if (!id) {
            return Failure(id.error());
        }
        const auto def = catalog_->Describe(kind_, *id);
        return def ? Json(rule::DescribeJson(**def))
                   : Failure(def.error(), fmt::format("describe {} error", word()));
    }

    Response Schema(const Request& request) const {
        const auto def = catalog_->Describe(kind_, request.Variable("id"));
        return def ? Json(rule::SchemaJson(**def))
                   : Failure(def.error(), fmt::format("get schema of {} error", word()));
    }

    Response Replace(const Request& request) const {
        const auto id = PathId(request);
        if (!id) {
            return Failure(id.error());
        }
        const auto sql = Statement(request);
        if (!sql) {
            return Failure(sql.error());
        }
        auto answer = catalog_->Replace(kind_, *id, *sql);
        return answer ? Text(200, std::move(*answer)) : Refuse(answer.error(), *sql);
    }

    Response Drop(const Request& request) const {
        const auto id = PathId(request);
        if (!id) {
            return Failure(id.error());
        }
        const bool force = request.Query("force") == "true";
        auto answer = catalog_->Drop(kind_, *id, force ? rule::Force::kYes : rule::Force::kNo);
        if (answer) {
            return Text(200, std::move(*answer));
        }
        const bool missing = answer.error().code == ErrorCode::kNotFound;
        return Failure(answer.error(), missing ? fmt::format("delete {} error", word()) : "");
    }

  private:
    std::string_view word() const { return ToText(kind_); }
    std::string_view CommandPrefix() const {
        return kind_ == StreamKind::kStream ? "Stream command error" : "Table command error";
    }
    Response Refuse(const Error& error, const std::string& statement) const {
        Response response = Failure(error, CommandPrefix());
        const auto parsed = sql::ParseStreamStatement(statement);
        return parsed ? response : WithPlace(std::move(response), parsed.error());
    }
    static Result<std::string> Statement(const Request& request) {
        auto sql = BodyText(request, "sql", "statementDescriptor");
        if (!sql) {
            return Fail(std::move(sql.error()).With("Invalid body: Error decoding the statement descriptor"));
        }
        return sql;
    }

    rule::Catalog* catalog_;
    StreamKind kind_;
};

void AddKind(http::Router& router, rule::Catalog& catalog, StreamKind kind) {
    const StreamHandlers handlers(catalog, kind);
    const std::string list = fmt::format("/{}s", ToText(kind));
    const std::string one = list + "/{id}";
    router.Add("POST", list, [handlers](const Request& request) { return handlers.Execute(request); });
    router.Add("GET", list, [handlers](const Request& request) { return handlers.List(request); });
    router.Add("GET", fmt::format("/{}details", ToText(kind)),
               [handlers](const Request& request) { return handlers.Details(request); });
    router.Add("GET", one + "/schema",
               [handlers](const Request& request) { return handlers.Schema(request); });
    router.Add("GET", one, [handlers](const Request& request) { return handlers.Describe(request); });
    router.Add("PUT", one, [handlers](const Request& request) { return handlers.Replace(request); });
    router.Add("DELETE", one, [handlers](const Request& request) { return handlers.Drop(request); });
}

}  // namespace

void AddStreamRoutes(http::Router& router, const Services& services) {
    AddKind(router, *services.catalog, StreamKind::kStream);
    AddKind(router, *services.catalog, StreamKind::kTable);
}

}  // namespace haumea::api
