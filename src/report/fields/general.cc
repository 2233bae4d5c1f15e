#include <algorithm>

#include "report/fields/describe.h"

namespace dsfailover {
namespace {

void describe_asked(FieldSink& to, const Report& report) {
    const bool of_status = report.status && report.status->asked;
    to.list("masters_asked",
            of_status ? std::optional(report.status->asked->masters) : report.masters_asked,
            "What each living master said; null: none was asked.");
    to.list("workers_asked", report.workers_asked,
            "What living workers said of tasks that they are supposed to run; null: none was "
            "asked.");
}

}  // namespace

void describe_general(FieldSink& to, const Report& report) {
    to.number("schema_version", 1, "Always 1.");
    to.text("command", report.command, "As it was given, without its options.");
    to.flag("dry_run", report.dry_run, "--dry-run: nothing was changed.");
    to.word("outcome", report.outcome, "What became of the run.");
    to.number("exit_code", static_cast<int>(report.exit_code), "The exit status of the process.");
    to.instant("started_at", report.started_at);
    to.instant("finished_at", report.finished_at);
    // A clock set back during the run must not make it negative.
    to.count("duration_ms", std::max<EpochMs>(0, report.finished_at - report.started_at));
    to.object("registry", report.registry, "null: none was opened.");
    to.object("database", report.database, "null: none was opened.");
    to.object("event", report.event,
              "The failover event of the run; null for commands without one.");
    to.sentences("warnings", report.warnings);
    std::vector<std::string> errors;
    for (const Problem& problem : report.problems) errors.push_back(problem.text);
    to.sentences("errors", errors, "Exit statuses 1 to 6 come with one at least.");
    describe_asked(to, report);
}

void describe_sections(FieldSink& to, const Report& report) {
    const std::string_view command = report.command;
    const std::vector<MasterSection> none;
    const auto masters = [&](std::string_view about) {
        to.list("masters", report.masters ? *report.masters : none, about, Layout::lines);
    };
    const auto workflows = [&](const auto& section, auto... describer) {
        to.object("workflows", section, "null: the run ended before they were read.", Layout::lines,
                  describer...);
    };
    if (command == "failover-master" || command == "global") {
        masters("One for each address.");
    } else if (command == "failover-workflow") {
        masters("One for each host of the workflows named, with these alone.");
        to.object("others", report.others, "null: the run ended before they were read.",
                  Layout::lines);
    } else if (command == "failover-worker") {
        to.object("worker", report.worker, "null: the run ended before the worker was looked at.",
                  Layout::lines);
        masters("Those whose failover the worker's tasks needed.");
    } else if (command == "clean-marks" || command == "list-marks") {
        to.object("marks", report.marks, "null: the run ended before they were read.",
                  Layout::lines);
    } else if (command == "requeue") {
        workflows(report.requeue, describe_requeued);
        to.object("recovery", report.recovery, "null without --wait.");
    } else if (command == "finish") {
        workflows(report.finish);
    } else if (command == "rehost") {
        workflows(report.rehost);
    } else if (command == "status") {
        to.section(report.status);
    } else if (command == "explain") {
        to.section(report.explained);
    } else if (command == "sandbox show") {
        to.object("sandbox", report.sandbox, "null: the file could not be read.", Layout::lines);
    } else if (command == "config") {
        to.list("settings", report.settings, "null: the run ended before they were known.");
    }
}

void describe(FieldSink& to, const Report& report) {
    describe_general(to, report);
    describe_sections(to, report);
}

void describe(FieldSink& to, const RegistryInfo& registry) {
    to.one_of("type", {"zookeeper", "etcd", "jdbc"}, registry.type);
    to.text("endpoint", registry.endpoint, "Without secrets, as that of the database.");
    to.text("namespace", registry.name_space);
}

void describe(FieldSink& to, const DatabaseInfo& database) {
    to.one_of("type", {"sqlite", "postgresql", "mysql"}, database.type);
    to.text("endpoint", database.endpoint);
    to.text("schema_version", database.schema_version,
            "What t_ds_version says; for information only.");
    to.one_of("replica", {"no", "yes", "unknown"}, database.replica,
              "Whether the server, although it may be written to, applies what is written to "
              "another one. yes: it does, and --primary says that it is the primary all the same; "
              "unknown: the user may not look. null: nobody looked, since the command only reads, "
              "or the database is SQLite or was not reached.");
}

void describe(FieldSink& to, const EventInfo& event) {
    to.one_of("type", {"MasterFailoverEvent", "WorkerFailoverEvent", "GlobalMasterFailoverEvent"},
              event.type);
    to.text("address", event.address, "null of a GlobalMasterFailoverEvent, as the next two.");
    to.time("startup_time", event.startup_time, "null where it is not known, as the process_id.");
    to.number("process_id", event.process_id);
    to.time("event_time", event.event_time);
}

void describe(FieldSink& to, const MasterAsked& master) {
    to.type("master_asked",
            "What a living master said when it was asked whether it holds workflows.");
    to.text("address", master.address);
    to.text("peer", master.peer, "IP:PORT that was connected to.");
    to.count("questions", master.questions,
             "Control questions included; of status: those of the last round.");
    to.count("held", master.held, "Workflows that it holds.");
    to.count("not_held", master.not_held);
    to.count("unanswered", master.unanswered);
    to.one_of("control", {"passed", "failed"}, master.control,
              "Whether it holds a workflow that it must hold by the database; null: there was none "
              "to ask about, or no answer.");
    to.text("problem", master.problem, "Why an answer is missing.");
}

void describe(FieldSink& to, const WorkerAsked& worker) {
    to.type("worker_asked", "What a living worker said when it was asked whether tasks live.");
    to.text("address", worker.address);
    to.text("peer", worker.peer, "IP:PORT that was connected to.");
    to.count("questions", worker.questions, "Of all rounds.");
    to.count("alive", worker.alive, "Tasks that it runs.");
    to.count("unknown_task", worker.unknown_task, "Tasks that it does not know.");
    to.count("unanswered", worker.unanswered);
    to.text("problem", worker.problem, "Why an answer is missing.");
}

void describe(FieldSink& to, const SettingItem& setting) {
    to.text("name", setting.name);
    to.text("value", setting.value, "\"(hidden)\" for a secret.");
    to.text("origin", setting.origin, "Where it comes from: a file and its line, a variable, ...");
}

}  // namespace dsfailover
