#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "config/node.h"
#include "http/message.h"
#include "sql/parser.h"

// The shapes of all answers. Any thread.
namespace haumea::api {

http::Response Text(int status, std::string text);
// Compact, application/json.
http::Response Json(const config::Node& node);
// JSON that older clients get as text/plain.
http::Response JsonAsText(std::string json);
http::Response Empty(int status = 200);
// {"error":code,"message":"prefix: text"} and a newline: 404 for kNotFound, else 400.
http::Response Failure(Error error, std::string_view prefix = "");
// Adds the header X-Haumea-Warning when there is something to say.
http::Response WithWarnings(http::Response response, const std::vector<std::string>& warnings);

// The place of the mistake in a statement that does not parse, in the header X-Haumea-Error-Position ("line
// 2, column 7", in bytes). The message is word by word what clients match, and has no room for it.
http::Response WithPlace(http::Response response, const sql::ParseError& error);
// The same for the statement in the body of a rule; nothing when it parses, or when there is none.
http::Response WithPlaceInRule(http::Response response, std::string_view body);

// The variable {id} of the path, checked: letters, digits, - and _.
Result<std::string> PathId(const http::Request& request);
// The member `name` of the body {"name": "..."}: empty when absent or null. Reads the first JSON value of the
// body. `type` is the name of the structure in error texts.
Result<std::string> BodyText(const http::Request& request, std::string_view name, std::string_view type);

}  // namespace haumea::api
