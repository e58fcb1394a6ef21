#include "connect/cache_plan.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.h"
#include "connect/cache_farewells.h"
#include "connect/cache_file.h"

namespace haumea::connect {
namespace {

namespace fs = std::filesystem;

struct Place {
    std::string name;
    std::string type;
    std::string props;
    bool matched = false;
};

std::vector<Place> PlacesOf(std::span<const config::Node> actions) {
    std::vector<Place> places;
    for (size_t i = 0; i < actions.size(); ++i) {
        if (actions[i].is_object()) {
            for (const auto& [type, props] : actions[i].object()) {
                places.push_back({.name = SinkName(type, static_cast<int>(i)),
                                  .type = type,
                                  .props = config::ToJson(props)});
            }
        }
    }
    return places;
}

// The file of a sink with its companions, and the folder of its destinations. On the disk thread.
std::vector<fs::path> FilesOf(const fs::path& folder, const std::string& sink) {
    std::vector<fs::path> files;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (name.substr(0, name.find('.')) == sink && at->path().extension() != ".damaged") {
            files.push_back(at->path());
        }
    }
    return files;
}

void Rename(const fs::path& folder, const std::string& from, const std::string& to) {
    for (const fs::path& path : FilesOf(folder, from)) {
        std::error_code error;
        fs::rename(path, folder / (to + path.filename().string().substr(from.size())), error);
        if (error) {
            log::Error("cannot rename {}: {}", path.string(), error.message());
        }
    }
}

void Apply(const fs::path& folder, const CachePlan& plan) {
    for (const std::string& sink : plan.gone) {
        bool said = false;
        for (const fs::path& path : FilesOf(folder, sink)) {
            std::error_code error;
            fs::remove_all(path, error);
            if (error) {
                log::Warn("cannot delete {}: {}", path.string(), error.message());
            } else if (!std::exchange(said, true)) {
                log::Warn("{}/{} was the cache of an action that the rule has no more: deleted",
                          folder.string(), sink);
            }
        }
    }
    for (const auto& [from, to] : plan.moves) {
        Rename(folder, from, "moving-" + to);
    }
    for (const auto& [from, to] : plan.moves) {
        Rename(folder, "moving-" + to, to);
    }
}

}  // namespace

CachePlan PlanCaches(std::span<const config::Node> before, std::span<const config::Node> after) {
    std::vector<Place> old_places = PlacesOf(before);
    std::vector<Place> new_places = PlacesOf(after);
    CachePlan plan;
    const auto match = [&](const auto& fits) {
        for (Place& old_place : old_places) {
            for (Place& new_place : new_places) {
                if (old_place.matched || new_place.matched || old_place.type != new_place.type ||
                    !fits(old_place, new_place)) {
                    continue;
                }
                old_place.matched = new_place.matched = true;
                if (old_place.name == new_place.name) {
                    plan.kept.insert(old_place.name);
                } else {
                    plan.moves.emplace(old_place.name, new_place.name);
                }
            }
        }
    };
    match([](const Place& a, const Place& b) { return a.name == b.name && a.props == b.props; });
    match([](const Place& a, const Place& b) { return a.props == b.props; });
    match([](const Place& a, const Place& b) { return a.name == b.name; });
    for (const Place& old_place : old_places) {
        if (!old_place.matched) {
            plan.gone.insert(old_place.name);
        }
    }
    return plan;
}

std::function<void(bool)> HoldCaches(Services& services, const std::string& rule_id, CachePlan plan) {
    CacheFarewells* const farewells = services.cache_farewells;
    if (farewells == nullptr || plan.changes_nothing()) {
        return [](bool) {};
    }
    const std::string folder = CacheFolder(services.data_dir, rule_id);
    farewells->Hold(folder);
    return [&services, farewells, folder, plan = std::move(plan)](bool replaced) {
        if (!replaced) {
            farewells->Release(folder);
            return;
        }
        farewells->WhenEmpty(folder, [&services, farewells, folder, plan] {
            const bool taken = DiskOf(services)([folder, plan] { Apply(folder, plan); },
                                                [farewells, folder] { farewells->Release(folder); });
            if (!taken) {
                log::Error("{}: the disk has too much to do, caches stay where they are", folder);
                farewells->Release(folder);
            }
        });
    };
}

}  // namespace haumea::connect
