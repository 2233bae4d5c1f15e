#include "simulation/database_server.h"

#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <utility>

#include "database/sqlite/dialect.h"

namespace dsfailover {

namespace {

using Kind = DatabaseError::Kind;
constexpr Millis kLockTimeout{3000};

std::string folder_in_memory() {
    std::string pattern = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
    pattern += "/dsfailover-simulation-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    return pattern;
}

std::unique_ptr<Database> open_in(const std::string& folder) {
    DatabaseSettings settings;
    settings.file = folder + "/simulation.db";
    std::ofstream(settings.file, std::ios::app).flush();
    settings.lock_timeout = Millis(0);
    auto database = open_database(settings);
    database->query("PRAGMA synchronous = OFF");
    return database;
}

}  // namespace

ConnectionPool::ConnectionPool(Release release)
    : folder_(folder_in_memory()),
      own_(open_in(folder_)),
      schema_((make_tables(*own_, release), read_schema(*own_))) {}

ConnectionPool::~ConnectionPool() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::unique_ptr<Database> ConnectionPool::take() {
    if (free_.empty()) return open_in(folder_);
    auto connection = std::move(free_.back());
    free_.pop_back();
    return connection;
}

Rows ConnectionPool::columns(Database& connection, std::string_view sql,
                             std::span<const Value> parameters) {
    const std::string key = std::get<std::string>(parameters[0]);
    const auto [found, is_new] = columns_.try_emplace(key);
    if (is_new) found->second = connection.query(sql, parameters);
    Rows copy;
    for (std::size_t i = 0; i < found->second.size(); ++i) copy.add(found->second[i]);
    return copy;
}

void ConnectionPool::give_back(std::unique_ptr<Database> connection) {
    free_.push_back(std::move(connection));
}

void ConnectionPool::clear() {
    Transaction transaction(*own_);
    for (const char* table : {"t_ds_workflow_instance", "t_ds_task_instance", "t_ds_command",
                              "t_ds_error_command", "t_ds_relation_workflow_instance"})
        own_->execute(fmt::format("DELETE FROM {}", table));
    own_->execute("DELETE FROM sqlite_sequence WHERE name <> 't_ds_version'");
    transaction.commit();
}

// What one process sees of the server.
class DatabaseServer::Connection : public Database {
  public:
    Connection(DatabaseServer& server, std::string process)
        : server_(server), process_(std::move(process)), real_(server.pool_.take()) {}
    ~Connection() override { drop(); }

    const SqlDialect& dialect() const override { return dialect_; }
    std::string endpoint() const override { return "sqlite:simulation"; }

    Rows query(std::string_view sql, std::span<const Value> parameters) override {
        reading(Call::query);
        note_reading(sql);
        if (!sql.starts_with("SELECT")) wrote_ = in_transaction_;  // ... RETURNING
        if (sql.find("pragma_table_info") != std::string_view::npos)
            return server_.pool_.columns(*real_, sql, parameters);
        return real_->query(sql, parameters);
    }

    std::int64_t execute(std::string_view sql, std::span<const Value> parameters) override {
        return writing([&] { return note(sql, parameters, real_->execute(sql, parameters)); });
    }

    std::int64_t execute_on_wanted(std::string_view sql, std::span<const Value> parameters,
                                   const std::function<bool(const Row&)>& is_wanted) override {
        return writing([&] { return real_->execute_on_wanted(sql, parameters, is_wanted); });
    }

    std::optional<FileVersion> file_version() override {
        reading(Call::query);
        return real_->file_version();
    }

    // Others may go on after the snapshot was made.
    void stream(std::string_view sql, std::span<const Value> parameters,
                const RowCallback& row) override {
        reading(Call::stream);
        note_reading(sql);
        bool first = true;
        real_->stream(sql, parameters, [&](const Row& read) {
            if (std::exchange(first, false)) server_.scheduler_.point();
            row(read);
        });
    }

    std::int64_t last_insert_id() override {
        require();
        return real_->last_insert_id();
    }

    void begin() override {
        require();
        fail_by(server_.faults_.meet(Call::begin), "begin");
        take_turn("begin");
        real_->begin();
        in_transaction_ = true;
    }

    void commit() override {
        require();
        const Fault fault = server_.faults_.meet(Call::commit);
        if (fault == Fault::conflict) fail_by(fault, "commit");
        if (fault == Fault::cut_before) {
            drop();
            throw DatabaseError(Kind::commit_unknown, "sqlite:simulation: commit: no answer");
        }
        real_->commit();
        in_transaction_ = false;
        server_.writer_ = nullptr;
        const bool took = taking_ != 0;
        if (took) server_.taken_[process_] = std::exchange(taking_, 0);
        // Masters look after what they hold in transactions that seldom write.
        if (std::exchange(wrote_, false)) server_.watcher_.after_commit(process_);
        if (fault == Fault::cut_after) {
            server_.watcher_.answer_lost(process_);
            drop();
            throw DatabaseError(Kind::commit_unknown, "sqlite:simulation: commit: no answer");
        }
        server_.scheduler_.point();
        if (!took) return;
        // A master has what it took in its memory only after it, if it is slow: some seconds later.
        Random& random = server_.scheduler_.random();
        if (random.chance(1, 4)) server_.scheduler_.wait(Millis(random.between(0, 8'000)));
        server_.taken_.erase(process_);
    }

    void rollback() noexcept override {
        if (!real_ || !in_transaction_ || gone()) return;
        end();
    }
    bool in_transaction() const override { return in_transaction_; }

    void reconnect() override {
        drop();
        if (server_.faults_.meet(Call::reconnect) == Fault::cut_before)
            throw unreachable("reconnect");
        real_ = server_.pool_.take();
    }

    std::unique_ptr<Database> open_another() const override { return server_.connect(process_); }

    EpochMs clock_ms() override {
        reading(Call::clock);
        return server_.scheduler_.time();
    }

  private:
    static DatabaseError unreachable(const std::string& call) {
        return {Kind::unreachable, fmt::format("sqlite:simulation: {}: no connection", call)};
    }

    void note_reading(std::string_view sql) {
        if (sql.find("t_ds_command") != std::string_view::npos)
            server_.watcher_.reads_commands(process_);
    }

    bool gone() const {
        const Actor* current = server_.scheduler_.current();
        return current != nullptr && current->killed;
    }

    void require() {
        // A destructor would let nothing else out.
        if (gone() && std::uncaught_exceptions() > 0) throw unreachable("killed");
        if (gone()) throw Killed();
        if (spoilt_) throw DatabaseError(Kind::other, "sqlite:simulation: roll back first");
        if (!real_) throw unreachable("going on");
    }

    void end() {
        real_->rollback();
        in_transaction_ = spoilt_ = wrote_ = false;
        taking_ = 0;
        server_.writer_ = nullptr;
    }

    // The server hears of it at once, or only after a while.
    void drop() {
        if (!real_) return;
        taking_ = 0;
        spoilt_ = wrote_ = false;
        auto& server = server_;
        if (std::exchange(in_transaction_, false)) {
            if (server.scheduler_.current() && server.scheduler_.random().chance(1, 3)) {
                server.broken_.push_back(
                    {std::move(real_),
                     server.scheduler_.time() + server.scheduler_.random().between(500, 8000)});
                server.writer_ = server.broken_.back().connection.get();
                return;
            }
            real_->rollback();
            server.writer_ = nullptr;
        }
        server.pool_.give_back(std::move(real_));
    }

    // Of a call that fails.
    void fail_by(Fault fault, const std::string& call) {
        if (fault == Fault::cut_before) {
            drop();
            throw unreachable(call);
        }
        if (fault == Fault::conflict) {
            if (in_transaction_) end();
            throw DatabaseError(Kind::retryable,
                                fmt::format("sqlite:simulation: {}: deadlock", call));
        }
    }

    void reading(Call call) {
        require();
        fail_by(server_.faults_.meet(call), to_string(call));
    }

    void take_turn(const std::string& call) {
        if (!server_.scheduler_.await([this] { return server_.may_write(this); }, kLockTimeout))
            throw DatabaseError(Kind::retryable,
                                fmt::format("sqlite:simulation: {}: locked", call));
        server_.writer_ = this;
    }

    template <typename Work>
    std::int64_t writing(Work work) {
        require();
        const Fault fault = server_.faults_.meet(Call::execute);
        fail_by(fault, "execute");
        if (fault == Fault::refused) {
            spoilt_ = in_transaction_;
            throw DatabaseError(Kind::other, "sqlite:simulation: execute: refused");
        }
        wrote_ = in_transaction_;
        if (in_transaction_) return work();
        take_turn("execute");
        const std::int64_t changed = work();
        server_.writer_ = nullptr;
        server_.watcher_.after_commit(process_);
        return changed;
    }

    // A master that takes a command.
    std::int64_t note(std::string_view sql, std::span<const Value> parameters,
                      std::int64_t changed) {
        if (changed == 1 && sql.starts_with("DELETE FROM t_ds_command") && parameters.size() == 1)
            taking_ = std::get<std::int64_t>(parameters[0]);
        return changed;
    }

    const SqliteDialect dialect_;
    DatabaseServer& server_;
    const std::string process_;
    std::unique_ptr<Database> real_;
    bool in_transaction_ = false;
    bool spoilt_ = false;
    bool wrote_ = false;  // in this transaction
    std::int64_t taking_ = 0;
};

DatabaseServer::~DatabaseServer() {
    for (Broken& one : broken_) {
        one.connection->rollback();
        pool_.give_back(std::move(one.connection));
    }
}

std::unique_ptr<Database> DatabaseServer::connect(const std::string& process) {
    return std::make_unique<Connection>(*this, process);
}

void DatabaseServer::end_broken() {
    for (auto one = broken_.begin(); one != broken_.end();) {
        if (one->until > scheduler_.time()) {
            ++one;
            continue;
        }
        one->connection->rollback();
        if (writer_ == one->connection.get()) writer_ = nullptr;
        pool_.give_back(std::move(one->connection));
        one = broken_.erase(one);
    }
}

bool DatabaseServer::may_write(const Connection* who) {
    end_broken();
    return writer_ == nullptr || writer_ == who;
}

}  // namespace dsfailover
