@post("/seeds")
